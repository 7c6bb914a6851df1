-- running -> failed or cancelled, by the owner. ARGV: id, owner, status, then fields and values. Answers 'ok' or 'lost'.
local status, owner, model = get('status', 'owner', 'model_id')
if status == ARGV[3] and owner == ARGV[2] then return 'ok' end
if status ~= 'running' or owner ~= ARGV[2] or model then return 'lost' end
leave_worker()
if #ARGV > 3 then set(unpack(ARGV, 4)) end
to_end(ARGV[3])
return 'ok'
