-- Stands before each script. KEYS: outbox, all webhooks, and what the keys of records and of callers begin with. ARGV: the
-- script's own. `jobs/keys.py` says what they hold, and `webhooks/record.py` what is in a record.
local outbox, all, record_prefix, caller_prefix = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function record_of(webhook) return record_prefix .. webhook end
local function pending_of(webhook) return outbox .. ':' .. webhook end

-- Say what has become of the message about a job. Of a job that is gone, and of a test, nothing is kept.
local function tell(job, webhook, status, next_ms, tries)
  local told = outbox .. ':job:' .. job
  if redis.call('EXISTS', told) == 0 then return end
  redis.call('HSET', told, webhook .. ':status', status)
  if tries then redis.call('HSET', told, webhook .. ':tries', tries) end
  if next_ms then
    redis.call('HSET', told, webhook .. ':next_ms', next_ms)
  else
    redis.call('HDEL', told, webhook .. ':next_ms')
  end
end

-- Put a webhook where its next message belongs: not before that one is due, nor while the webhook is held.
local function schedule(webhook)
  local first = redis.call('ZRANGE', pending_of(webhook), 0, 0, 'WITHSCORES')
  if first[1] then
    local held = tonumber(redis.call('HGET', record_of(webhook), 'held_ms') or 0)
    redis.call('ZADD', outbox, math.max(tonumber(first[2]), held), webhook)
  else
    redis.call('ZREM', outbox, webhook)
  end
end
