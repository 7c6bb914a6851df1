-- Stands behind common.lua: what callers have used, and what they may have. No limit is nil.
local SECOND_US = 1000000
local now_us = time[1] * SECOND_US + time[2]

-- The generic cell rate algorithm of access/gcra.py, for a window in microseconds. Answers the new level, and how long to
-- wait: 0 for now, -1 for ever.
local function pass(level, limit, window, cost)
  if cost > limit then return level, -1 end
  local interval = limit > 0 and math.ceil(window / limit) or window
  local wait = math.max(0, level + cost * interval - limit * interval)
  if wait > 0 then return level, wait end
  return math.max(0, level + cost * interval), 0
end

-- A caller's level of a rate is kept as the time at which it is 0.
local function level_of(caller, rate)
  return math.max(0, (redis.call('GET', caller_prefix .. caller .. ':rate:' .. rate) or 0) - now_us)
end

local function set_level(caller, rate, level)
  local key = caller_prefix .. caller .. ':rate:' .. rate
  redis.call('SET', key, string.format('%.0f', now_us + level), 'PX', math.ceil(level / 1000) + 1)
end

-- The list of a caller's jobs with a status, and its length. Anybody has no lists of its own: all jobs count.
local function list_of(caller, status)
  if caller == 'anybody' then return with_status[status] end
  local name = caller .. ':' .. status
  return caller_prefix .. name
end

local function size_of(caller, status)
  local list = list_of(caller, status)
  return redis.call('ZCARD', list)
end

local function waiting_of(caller)
  local sum = size_of(caller, 'queued') + size_of(caller, 'paused')
  return sum
end

-- The milliseconds that a caller's jobs have run today, those that run now included.
local function device_ms(caller)
  local today = math.floor(now / DAY_MS)
  local sum = tonumber(redis.call('HGET', use_of(caller, today), 'device_ms') or 0)
  for _, other in ipairs(redis.call('ZRANGE', list_of(caller, 'running'), 0, -1)) do
    if redis.call('ZSCORE', leases, other) then -- else it publishes, and its time was added up
      local claimed = redis.call('HGET', job:sub(1, -#id - 1) .. other, 'claimed_ms')
      sum = sum + now - math.max(claimed, today * DAY_MS)
    end
  end
  return sum
end

-- Why a caller may make no further job: nil, or the name of the limit and how many ms until it may, -1 where nobody knows.
-- And the level of its jobs with one more.
local function refusal(limits)
  local caller, name, wait, level = limits.caller, nil, 0, nil
  if limits.queued and waiting_of(caller) >= limits.queued then
    name, wait = 'queued', -1
  elseif limits.device_s_per_day and device_ms(caller) >= limits.device_s_per_day * 1000 then
    name, wait = 'device_s_per_day', DAY_MS - now % DAY_MS
  elseif limits.jobs_per_hour then
    level, wait = pass(level_of(caller, 'jobs'), limits.jobs_per_hour, 3600 * SECOND_US, 1)
    if wait ~= 0 then name, wait = 'jobs_per_hour', math.ceil(wait / 1000) end
  end
  local why = name and 'limited ' .. name .. ' ' .. wait
  return why, level
end

-- A claim has no key to ask: it holds a caller to the limits that came with its newest job.
local function limits_key(caller)
  local name = caller .. ':limits'
  return caller_prefix .. name
end

local function keep_for_claims(limits)
  redis.call('DEL', limits_key(limits.caller))
  for _, name in ipairs({ 'running', 'device_s_per_day' }) do
    if limits[name] then redis.call('HSET', limits_key(limits.caller), name, limits[name]) end
  end
end

-- Whether a caller's queued jobs are to wait, however idle the workers are.
local function is_held_back(caller)
  local most, seconds = unpack(redis.call('HMGET', limits_key(caller), 'running', 'device_s_per_day'))
  if most and size_of(caller, 'running') >= tonumber(most) then return true end
  return seconds and device_ms(caller) >= seconds * 1000
end
