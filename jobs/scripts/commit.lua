-- running -> publishing: the model is on the shelf, and from here on the job can only succeed. Whoever comes by may carry the
-- publication out. ARGV: id, owner, model. Answers 'ok', 'cancel' or 'lost'.
local status, owner, request, model = get('status', 'owner', 'request', 'model_id')
if status ~= 'running' or owner ~= ARGV[2] then return 'lost' end
if model then return model == ARGV[3] and 'ok' or 'lost' end
if request == 'cancel' then return 'cancel' end
leave_worker()
redis.call('ZADD', publishing, now, id)
set('model_id', ARGV[3], 'request', '')
tell('publishing', cjson.encode({ model = ARGV[3] }))
return 'ok'
