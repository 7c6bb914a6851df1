-- running -> queued without a strike, or to what was asked for meanwhile: paused or cancelled. ARGV: id, owner.
-- Answers the new status, or 'lost'.
local status, owner, request, product = state()
if owner ~= ARGV[2] or product then return 'lost' end
if status == 'queued' or status == 'paused' or status == 'cancelled' then return status end
if status ~= 'running' then return 'lost' end
leave_worker()
if request == 'cancel' then
  to_end('cancelled')
elseif request == 'pause' then
  to_pause()
else
  to_queue('released')
end
return (get('status'))
