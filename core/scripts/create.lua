-- none -> queued. KEYS: job, all jobs, queued. ARGV: id, spec.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HGET', KEYS[1], 'spec') == ARGV[2] and 'ok' or 'taken'
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'spec', ARGV[2], 'status', 'queued', 'attempt', 0, 'strikes', 0,
  'request', '', 'created_us', now)
return 'ok'
