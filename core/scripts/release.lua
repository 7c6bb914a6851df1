-- running -> queued without a strike, or to what was asked for meanwhile: paused or cancelled.
-- KEYS: job, queued, leases. ARGV: id, owner. Answers the new status, or 'lost'.
local status, owner, request, created = unpack(redis.call('HMGET', KEYS[1], 'status', 'owner', 'request', 'created_us'))
if owner ~= ARGV[2] then return 'lost' end
if status == 'queued' or status == 'paused' or status == 'cancelled' then return status end
if status ~= 'running' then return 'lost' end
redis.call('ZREM', KEYS[3], ARGV[1])
if request == 'cancel' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[1], 'status', 'cancelled', 'request', '', 'finished_ms', now)
  return 'cancelled'
end
if request == 'pause' then
  redis.call('HSET', KEYS[1], 'status', 'paused', 'request', '')
  return 'paused'
end
redis.call('ZADD', KEYS[2], created, ARGV[1])
redis.call('HSET', KEYS[1], 'status', 'queued')
return 'queued'
