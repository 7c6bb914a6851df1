-- paused -> queued; running: take back a pause that was not carried out yet. ARGV: id, a nonce of the call: a repeated one has
-- done its work, and may find a job that runs again. Answers the status found, 'pausing' for the latter, or '' for no job.
local status, request, resumed = get('status', 'request', 'resumed')
if resumed == ARGV[2] then return 'pausing' end
if status == 'running' and request == 'pause' then
  set('request', '', 'resumed', ARGV[2])
  tell('requested', '{"request":null}')
  return 'pausing'
end
if status == 'paused' then
  set('resumed', ARGV[2])
  to_queue('resumed')
end
return status or ''
