-- Take the message that is due first. Its webhook is held meanwhile, so that each has one request at a time, until it is settled
-- or the lease is over. ARGV: owner, lease in ms. Answers the webhook, the job and the time in ms, or nothing.
local owner, lease = ARGV[1], tonumber(ARGV[2])
while true do
  local webhook = redis.call('ZRANGEBYSCORE', outbox, '-inf', now, 'LIMIT', 0, 1)[1]
  if not webhook then return {} end
  local first = redis.call('ZRANGE', pending_of(webhook), 0, 0, 'WITHSCORES')
  local held = tonumber(redis.call('HGET', record_of(webhook), 'held_ms') or 0)
  if first[1] and tonumber(first[2]) <= now and held <= now then
    redis.call('HSET', record_of(webhook), 'owner', owner, 'held_ms', now + lease)
    schedule(webhook)
    return { webhook, first[1], tostring(now) }
  end
  schedule(webhook)
end
