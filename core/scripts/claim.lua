-- queued -> running. KEYS: job, queued, leases. ARGV: id, owner, lease in ms.
local status, owner = unpack(redis.call('HMGET', KEYS[1], 'status', 'owner'))
if status == 'running' and owner == ARGV[2] then return 'ok' end
if status ~= 'queued' then return 'refused' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
redis.call('HSETNX', KEYS[1], 'started_ms', now)
redis.call('HINCRBY', KEYS[1], 'attempt', 1)
redis.call('HSET', KEYS[1], 'status', 'running', 'owner', ARGV[2])
return 'ok'
