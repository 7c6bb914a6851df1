-- running -> succeeded, failed or cancelled. KEYS: job, leases. ARGV: id, owner, status, then fields and values.
local status, owner = unpack(redis.call('HMGET', KEYS[1], 'status', 'owner'))
if status == ARGV[3] and owner == ARGV[2] then return 'ok' end
if status ~= 'running' or owner ~= ARGV[2] then return 'lost' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[2], ARGV[1])
if #ARGV > 3 then redis.call('HSET', KEYS[1], unpack(ARGV, 4)) end
redis.call('HSET', KEYS[1], 'status', ARGV[3], 'request', '', 'finished_ms', now)
return 'ok'
