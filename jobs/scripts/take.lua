-- Fill a caller's bucket by a cost, which may be below 0, unless it overflows. ARGV: '', caller, rate, limit, window in us, cost.
-- Answers the level afterwards and how long to wait, in us; -1 for ever.
local level, wait = pass(level_of(ARGV[2], ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]))
if wait == 0 then set_level(ARGV[2], ARGV[3], level) end
return string.format('%.0f %.0f', level, wait)
