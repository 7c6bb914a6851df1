-- running -> queued or failed, when the lease has run out. KEYS: job, queued, leases.
-- ARGV: id, strikes that fail the job, error to fail it with. Answers 'kept' or the new status.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expiry = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not expiry or tonumber(expiry) > now then return 'kept' end
redis.call('ZREM', KEYS[3], ARGV[1])
local request, created = unpack(redis.call('HMGET', KEYS[1], 'request', 'created_us'))
local strikes = redis.call('HINCRBY', KEYS[1], 'strikes', 1)
redis.call('HSET', KEYS[1], 'owner', '', 'request', '')
if request == 'cancel' then
  redis.call('HSET', KEYS[1], 'status', 'cancelled', 'finished_ms', now)
  return 'cancelled'
end
if strikes >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'status', 'failed', 'error', ARGV[3], 'finished_ms', now)
  return 'failed'
end
if request == 'pause' then
  redis.call('HSET', KEYS[1], 'status', 'paused')
  return 'paused'
end
redis.call('ZADD', KEYS[2], created, ARGV[1])
redis.call('HSET', KEYS[1], 'status', 'queued')
return 'queued'
