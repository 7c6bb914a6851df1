-- paused -> queued; running: take back a pause that was not carried out yet. KEYS: job, queued. ARGV: id.
-- Answers the status found, or 'pausing' for the latter.
local status, request, created = unpack(redis.call('HMGET', KEYS[1], 'status', 'request', 'created_us'))
if status == 'running' and request == 'pause' then
  redis.call('HSET', KEYS[1], 'request', '')
  return 'pausing'
end
if status == 'paused' then
  redis.call('ZADD', KEYS[2], created, ARGV[1])
  redis.call('HSET', KEYS[1], 'status', 'queued')
end
return status or ''
