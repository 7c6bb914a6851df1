-- queued -> running. ARGV: id, owner, lease in ms. Answers 'ok', 'refused', or 'limited' where its caller runs as
-- many as it may, or as long.
local owner, lease = ARGV[2], ARGV[3]
local status, owned_by = get('status', 'owner')
if status == 'running' and owned_by == owner then return 'ok' end
if status ~= 'queued' then return 'refused' end
if is_held_back(get('caller') or 'anybody') then return 'limited' end
redis.call('ZADD', leases, now + lease, id)
redis.call('HSETNX', job, 'started_ms', now)
local attempt = redis.call('HINCRBY', job, 'attempt', 1)
become('running', 'owner', owner, 'claimed_ms', now, 'told', 0)
count('claimed')
tell('running', cjson.encode({ attempt = attempt }))
return 'ok'
