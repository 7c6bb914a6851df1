-- Forget a claimed message that there is no more use for. ARGV: webhook, owner, job. Answers 'ok' or 'lost'.
local webhook, owner, job = unpack(ARGV)
if redis.call('HGET', record_of(webhook), 'owner') ~= owner then return 'lost' end
redis.call('HDEL', record_of(webhook), 'owner', 'held_ms')
redis.call('ZREM', pending_of(webhook), job)
schedule(webhook)
return 'ok'
