-- queued or paused -> cancelled; running: ask the owner. ARGV: id. Answers the status found, 'publishing', or '' for no job.
local status, _, request, product = state()
if status == 'running' then
  if product then return 'publishing' end
  if request ~= 'cancel' then
    set('request', 'cancel')
    tell('requested', '{"request":"cancel"}')
  end
elseif status == 'queued' or status == 'paused' then
  to_end('cancelled')
end
return status or ''
