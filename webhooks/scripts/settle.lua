-- Save what came of a try, by whoever claimed the message. ARGV: webhook, owner, job, status of the message, ms until the next try
-- or '', all tries, ms that the webhook is held, the last try, '1' if it was delivered.
-- Answers 'ok', or 'lost' where somebody else has claimed it, or the webhook is gone.
local webhook, owner, job, status, wait, tries, hold, last, delivered = unpack(ARGV)
local record = record_of(webhook)
if redis.call('HGET', record, 'owner') ~= owner then return 'lost' end
if wait == '' then
  redis.call('ZREM', pending_of(webhook), job)
  tell(job, webhook, status, nil, tries)
else
  redis.call('ZADD', pending_of(webhook), 'XX', now + wait, job) -- unless the job was deleted
  tell(job, webhook, status, now + wait, tries)
end
redis.call('HDEL', record, 'owner')
redis.call('HSET', record, 'held_ms', now + hold, 'last', last)
if delivered == '1' then
  redis.call('HDEL', record, 'failing_ms', 'failures')
else
  redis.call('HSETNX', record, 'failing_ms', now)
  redis.call('HINCRBY', record, 'failures', 1)
end
schedule(webhook)
return 'ok'
