-- Stands before each script. KEYS: job, events, jobs, leases, publishing, ended, durations, then the jobs of each status,
-- and last the script's own key. ARGV: id, then the script's own arguments.
local job, events, jobs, leases, publishing, ended, durations, queued, running, paused, succeeded, failed, cancelled, own =
  unpack(KEYS)
local with_status = {
  queued = queued, running = running, paused = paused, succeeded = succeeded, failed = failed, cancelled = cancelled,
}
local id = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local KEPT_EVENTS, KEPT_DURATIONS = 10000, 20

local function get(...) return unpack(redis.call('HMGET', job, ...)) end
local function set(...) redis.call('HSET', job, ...) end

-- Every change of a record goes with an event, in the same script, so that the two cannot disagree.
local function tell(kind, data)
  set('event', redis.call('XADD', events, 'MAXLEN', '~', KEPT_EVENTS, '*', 'type', kind, 'data', data or '{}'))
end

-- From running to anything else: the lease is gone, and the time it took is added up.
local function leave_worker()
  redis.call('ZREM', leases, id)
  redis.call('HINCRBY', job, 'spent_ms', now - get('claimed_ms'))
end

-- The only place that changes a status, so that each job stands in the list of the one that it has.
local function become(status, ...)
  local before, created = get('status', 'created_us')
  if before then redis.call('ZREM', with_status[before], id) end
  redis.call('ZADD', with_status[status], created, id)
  set('status', status, ...)
end

local function to_queue(reason)
  become('queued')
  tell('queued', cjson.encode({ reason = reason }))
end

local function to_pause()
  become('paused', 'request', '')
  tell('paused')
end

-- A job that has ended changes no more, so this runs once for each.
local function to_end(status)
  redis.call('ZADD', ended, now, id)
  become(status, 'request', '', 'finished_ms', now)
  tell(status)
end
