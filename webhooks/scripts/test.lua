-- Have a message sent that is about no job, unless one waits. ARGV: webhook, what stands in the place of a job's id.
-- Answers 'ok', 'disabled', or '' for no webhook.
local webhook, name = ARGV[1], ARGV[2]
local caller, disabled = unpack(redis.call('HMGET', record_of(webhook), 'caller', 'disabled'))
if not caller then return '' end
if disabled then return 'disabled' end
redis.call('ZADD', pending_of(webhook), 'NX', now, name)
schedule(webhook)
return 'ok'
