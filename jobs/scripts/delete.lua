-- An ended job -> none. own: jobs whose files are still to be removed. ARGV: id.
-- Answers the status found, 'deleted' while its files are still to be removed, or '' for no job.
local status = get('status')
if not status and redis.call('SISMEMBER', own, id) == 1 then return 'deleted' end
if status == 'succeeded' or status == 'failed' or status == 'cancelled' then
  count('deleted', end_of_job(status))
  count('deleted_claimed', nil, get('attempt'))
  count('deleted_spent_ms', nil, get('spent_ms'))
  tell('deleted')
  leave(status)
  if callers_jobs() then redis.call('ZREM', callers_jobs(), id) end
  local told = outbox .. ':job:' .. id
  for _, field in ipairs(redis.call('HKEYS', told)) do
    local webhook = field:match('^(.*):status$')
    if webhook then redis.call('ZREM', outbox .. ':' .. webhook, id) end
  end
  redis.call('DEL', job, events, told)
  redis.call('ZREM', jobs, id)
  redis.call('ZREM', ended, id)
  redis.call('SADD', own, id)
end
return status or ''
