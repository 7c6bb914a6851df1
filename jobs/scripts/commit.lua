-- running -> publishing: the job has made a model or a data set, and from here on it can only succeed. Whoever comes by may carry
-- the publication out. ARGV: id, owner, 'model_id' or 'dataset', its id. Answers 'ok', 'cancel' or 'lost'.
local status, owner, request, product = state()
if status ~= 'running' or owner ~= ARGV[2] then return 'lost' end
if product then return product == ARGV[4] and 'ok' or 'lost' end
if request == 'cancel' then return 'cancel' end
leave_worker()
redis.call('ZADD', publishing, now, id)
set(ARGV[3], ARGV[4], 'request', '')
tell('publishing', cjson.encode({ [ARGV[3] == 'dataset' and 'dataset' or 'model'] = ARGV[4] }))
return 'ok'
