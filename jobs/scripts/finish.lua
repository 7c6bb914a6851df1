-- running -> failed or cancelled, or, for an import that was to make nothing, succeeded; by the owner. ARGV: id, owner, status,
-- then fields and values. Answers 'ok', 'lost', or 'cancel' where it would succeed although a cancel was asked for.
local status, owner, request, product = state()
if status == ARGV[3] and owner == ARGV[2] then return 'ok' end
if status ~= 'running' or owner ~= ARGV[2] or product then return 'lost' end
if ARGV[3] == 'succeeded' and request == 'cancel' then return 'cancel' end
leave_worker()
if #ARGV > 3 then set(unpack(ARGV, 4)) end
to_end(ARGV[3])
return 'ok'
