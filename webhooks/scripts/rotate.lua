-- ARGV: webhook, new secret, how long the old one still signs in ms. Answers 'ok', or '' for no webhook.
local record, secret, overlap = record_of(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local before = redis.call('HGET', record, 'secret')
if not before then return '' end
if before ~= secret then
  redis.call('HSET', record, 'secret', secret, 'old_secret', before, 'old_until_ms', now + overlap)
end
return 'ok'
