-- The queued jobs of a kind, oldest first, without those whose caller runs as many as it may. ARGV: '', kind.
-- Answers their ids with blanks between.
local found, held_back = {}, {}
for _, other in ipairs(redis.call('ZRANGE', ARGV[2] == 'import' and imports or queued, 0, -1)) do
  if ARGV[2] == 'import' or not redis.call('ZSCORE', imports, other) then
    local caller = redis.call('HGET', job .. other, 'caller') or 'anybody'
    if held_back[caller] == nil then held_back[caller] = is_held_back(caller) or false end
    if not held_back[caller] then found[#found + 1] = other end
  end
end
return table.concat(found, ' ')
