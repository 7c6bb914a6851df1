-- none -> queued. own: the idempotency key. ARGV: id, kind, spec, most jobs of the kind that may wait, digest of the request,
-- seconds that the idempotency key is kept ('0' without one), the caller and its limits as JSON, then fields and values that
-- say who asked. A key whose job was deleted is free again.
-- Answers 'ok' and the level of the caller's jobs in us, 'full', 'reused', 'limited' as `room` does, or 'replayed', and then
-- the earlier job's id and when it was created.
local kind, spec, most, digest, kept = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local limits = cjson.decode(ARGV[7])
if kept > 0 then
  local first, first_digest, first_created = unpack(redis.call('HMGET', own, 'id', 'digest', 'created_us'))
  if first and first ~= id and redis.call('EXISTS', job:sub(1, -#id - 1) .. first) == 1 then
    if first_digest ~= digest then return 'reused' end
    return 'replayed ' .. first .. ' ' .. first_created
  end
end
if redis.call('EXISTS', job) == 1 then return 'ok ' .. level_of(limits.caller, 'jobs') end
local waiting = redis.call('ZCARD', imports)
if kind ~= 'import' then waiting = redis.call('ZCARD', queued) - waiting end
if waiting >= most then return 'full' end
local refused, level = refusal(limits)
if refused then return refused end
if level then set_level(limits.caller, 'jobs', level) end
keep_for_claims(limits)
local created = time[1] * 1000000 + time[2]
if kept > 0 then
  redis.call('HSET', own, 'id', id, 'digest', digest, 'created_us', created)
  redis.call('EXPIRE', own, kept)
end
redis.call('ZADD', jobs, created, id)
if #ARGV > 7 then set(unpack(ARGV, 8)) end
if callers_jobs() then redis.call('ZADD', callers_jobs(), created, id) end
set('id', id, 'kind', kind, 'spec', spec, 'attempt', 0, 'strikes', 0, 'request', '', 'created_us', created, 'spent_ms', 0,
  'schema', SCHEMA)
to_queue('created')
return 'ok ' .. (level or 0)
