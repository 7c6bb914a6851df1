-- queued or paused -> cancelled; running: ask the owner. KEYS: job, queued. ARGV: id. Answers the status found, '' for no job.
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'running' then
  redis.call('HSET', KEYS[1], 'request', 'cancel')
elseif status == 'queued' or status == 'paused' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HSET', KEYS[1], 'status', 'cancelled', 'finished_ms', now)
end
return status or ''
