-- Have a message about a job sent once more, whatever came of it. ARGV: webhook, job.
-- Answers 'ok', 'disabled', or '' where the job has no such message, or the webhook is gone.
local webhook, job = ARGV[1], ARGV[2]
local told = outbox .. ':job:' .. job
local caller, disabled = unpack(redis.call('HMGET', record_of(webhook), 'caller', 'disabled'))
if not caller or redis.call('HEXISTS', told, webhook .. ':status') == 0 then return '' end
if disabled then return 'disabled' end
redis.call('ZADD', pending_of(webhook), now, job)
tell(job, webhook, 'pending', now)
schedule(webhook)
return 'ok'
