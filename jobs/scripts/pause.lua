-- queued -> paused; running: ask the owner, unless a cancel was asked for. ARGV: id.
-- Answers the status found, 'cancelling', 'publishing', or '' for no job.
local status, _, request, product = state()
if status == 'running' then
  if product then return 'publishing' end
  if request == 'cancel' then return 'cancelling' end
  if request ~= 'pause' then
    set('request', 'pause')
    tell('requested', '{"request":"pause"}')
  end
elseif status == 'queued' then
  to_pause()
end
return status or ''
