-- Delete a webhook, or disable it for a reason. Its messages that wait are dropped. ARGV: webhook, reason or ''.
-- Answers 'ok', or '' for no webhook.
local webhook, reason = ARGV[1], ARGV[2]
local record = record_of(webhook)
local caller = redis.call('HGET', record, 'caller')
if not caller then return '' end
for _, job in ipairs(redis.call('ZRANGE', pending_of(webhook), 0, -1)) do
  tell(job, webhook, 'dropped')
end
redis.call('DEL', pending_of(webhook))
redis.call('ZREM', outbox, webhook)
local own = caller_prefix .. caller .. ':webhooks'
if reason == '' then
  redis.call('DEL', record)
  redis.call('ZREM', all, webhook)
  redis.call('HDEL', own, webhook)
else
  redis.call('HSET', record, 'disabled', reason)
  redis.call('HDEL', record, 'owner')
  redis.call('HSET', own, webhook, '')
end
return 'ok'
