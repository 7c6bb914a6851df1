-- none -> queued. own: the idempotency key. ARGV: id, kind, spec, most jobs of the kind that may wait, digest of the request,
-- seconds that the idempotency key is kept ('0' without one), then fields and values that say who asked. A key whose job was
-- deleted is free again.
-- Answers 'ok', 'full', 'reused', or 'replayed', and then the earlier job's id and when it was created.
local kind, spec, most, digest, kept = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
if kept > 0 then
  local first, first_digest, first_created = unpack(redis.call('HMGET', own, 'id', 'digest', 'created_us'))
  if first and first ~= id and redis.call('EXISTS', job:sub(1, -#id - 1) .. first) == 1 then
    if first_digest ~= digest then return 'reused' end
    return 'replayed ' .. first .. ' ' .. first_created
  end
end
if redis.call('EXISTS', job) == 1 then return 'ok' end
local waiting = redis.call('ZCARD', imports)
if kind ~= 'import' then waiting = redis.call('ZCARD', queued) - waiting end
if waiting >= most then return 'full' end
local created = time[1] * 1000000 + time[2]
if kept > 0 then
  redis.call('HSET', own, 'id', id, 'digest', digest, 'created_us', created)
  redis.call('EXPIRE', own, kept)
end
redis.call('ZADD', jobs, created, id)
if #ARGV > 6 then set(unpack(ARGV, 7)) end
if callers_jobs() then redis.call('ZADD', callers_jobs(), created, id) end
set('id', id, 'kind', kind, 'spec', spec, 'attempt', 0, 'strikes', 0, 'request', '', 'created_us', created, 'spent_ms', 0)
to_queue('created')
return 'ok'
