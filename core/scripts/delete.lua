-- An ended job -> none. KEYS[9]: jobs whose files are still to be removed. ARGV: id.
-- Answers the status found, or '' for no job.
local status = get('status')
if status == 'succeeded' or status == 'failed' or status == 'cancelled' then
  redis.call('DEL', job, events)
  redis.call('ZREM', jobs, id)
  redis.call('ZREM', ended, id)
  redis.call('SADD', KEYS[9], id)
end
return status or ''
