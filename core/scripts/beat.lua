-- running: renew the lease, save the progress. KEYS: job, leases.
-- ARGV: id, owner, lease in ms, '1' when a checkpoint was written since the last beat, then fields and values.
local status, owner, request = unpack(redis.call('HMGET', KEYS[1], 'status', 'owner', 'request'))
if status ~= 'running' or owner ~= ARGV[2] then return 'lost' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
if ARGV[4] == '1' then redis.call('HSET', KEYS[1], 'strikes', 0) end
if #ARGV > 4 then redis.call('HSET', KEYS[1], unpack(ARGV, 5)) end
return request == '' and 'ok' or request
