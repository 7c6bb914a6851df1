-- ARGV: webhook, caller, most webhooks of a caller, types of messages, then fields and values. Answers 'ok' or 'full'.
local webhook, caller, most, types = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local own = caller_prefix .. caller .. ':webhooks'
if redis.call('EXISTS', record_of(webhook)) == 1 then return 'ok' end
if redis.call('HLEN', own) >= most then return 'full' end
redis.call('HSET', own, webhook, types)
redis.call('ZADD', all, now, webhook)
redis.call('HSET', record_of(webhook), 'id', webhook, 'caller', caller, 'created_ms', now, unpack(ARGV, 5))
return 'ok'
