-- queued -> paused; running: ask the owner, unless a cancel was asked for. KEYS: job, queued. ARGV: id.
-- Answers the status found, or 'cancelling'.
local status, request = unpack(redis.call('HMGET', KEYS[1], 'status', 'request'))
if status == 'running' then
  if request == 'cancel' then return 'cancelling' end
  redis.call('HSET', KEYS[1], 'request', 'pause')
elseif status == 'queued' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HSET', KEYS[1], 'status', 'paused')
end
return status or ''
