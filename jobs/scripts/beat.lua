-- running: renew the lease, save what is new and tell it. ARGV: id, owner, lease in ms, '1' when a checkpoint was written
-- since the last beat, how many fields and values follow, these; then number, type and data of each event.
-- Events are numbered from 1 in each attempt, and told once. Answers 'ok', 'lost', or the request.
local status, owner, request, product = state()
if status ~= 'running' or owner ~= ARGV[2] or product then return 'lost' end
redis.call('ZADD', leases, now + ARGV[3], id)
if ARGV[4] == '1' then set('strikes', 0) end
local fields = tonumber(ARGV[5])
if fields > 0 then set(unpack(ARGV, 6, 5 + fields)) end
local told = tonumber(get('told'))
for i = 6 + fields, #ARGV, 3 do
  if tonumber(ARGV[i]) > told then
    tell(ARGV[i + 1], ARGV[i + 2])
    set('told', ARGV[i])
  end
end
return request == '' and 'ok' or request
