-- running -> queued with a strike, to what was asked for meanwhile, or to failed when it was one strike too many. By the owner
-- whose trainer or importer died, or by the sweeper, who is '' and must find the lease expired. ARGV: id, owner, strikes that
-- fail the job, error to fail it with. Answers the new status, 'kept' when there is nothing to do, or 'lost'.
local status, owner, request, product = state()
if ARGV[2] == '' then
  if status ~= 'running' or product then return 'kept' end
  local expiry = redis.call('ZSCORE', leases, id)
  if expiry and tonumber(expiry) > now then return 'kept' end
  set('owner', '') -- who held it until now holds it no more, whatever becomes of the job
else
  if owner ~= ARGV[2] or product then return 'lost' end
  if status ~= 'running' then return status end -- said again
end
leave_worker()
local strikes = redis.call('HINCRBY', job, 'strikes', 1)
count('strikes')
if request == 'cancel' then
  to_end('cancelled')
elseif strikes >= tonumber(ARGV[3]) then
  set('error', ARGV[4])
  to_end('failed')
elseif request == 'pause' then
  to_pause()
else
  to_queue(ARGV[2] == '' and 'worker lost' or is_import() and 'importer lost' or 'trainer lost')
end
return (get('status'))
