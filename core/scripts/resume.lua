-- paused -> queued; running: take back a pause that was not carried out yet. ARGV: id.
-- Answers the status found, 'pausing' for the latter, or '' for no job.
local status, request = get('status', 'request')
if status == 'running' and request == 'pause' then
  set('request', '')
  tell('requested', '{"request":null}')
  return 'pausing'
end
if status == 'paused' then to_queue('resumed') end
return status or ''
