-- Stands before each script. KEYS: job, events, jobs, leases, publishing, ended, durations, the queued imports, then the jobs
-- of each status, and last the script's own key. ARGV: id, then the script's own arguments.
local job, events, jobs, leases, publishing, ended, durations, imports = unpack(KEYS, 1, 8)
local queued, running, paused, succeeded, failed, cancelled, own = unpack(KEYS, 9)
local with_status = {
  queued = queued, running = running, paused = paused, succeeded = succeeded, failed = failed, cancelled = cancelled,
}
local id = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local KEPT_EVENTS, KEPT_DURATIONS = 10000, 20

local function get(...) return unpack(redis.call('HMGET', job, ...)) end
local function set(...) redis.call('HSET', job, ...) end
local function is_import() return get('kind') == 'import' end

-- Status, owner, request, and what the job is committed to: the id of its model or data set.
local function state()
  local status, owner, request, model, dataset = get('status', 'owner', 'request', 'model_id', 'dataset')
  return status, owner, request, model or dataset
end

-- Every change of a record goes with an event, in the same script, so that the two cannot disagree.
local function tell(kind, data)
  set('event', redis.call('XADD', events, 'MAXLEN', '~', KEPT_EVENTS, '*', 'type', kind, 'data', data or '{}'))
end

-- From running to anything else: the lease is gone, and the time it took is added up.
local function leave_worker()
  redis.call('ZREM', leases, id)
  redis.call('HINCRBY', job, 'spent_ms', now - get('claimed_ms'))
end

-- The only place that changes a status, so that each job stands in the list of the one that it has. The queued imports stand
-- in a list of their own too.
local function become(status, ...)
  local before, created = get('status', 'created_us')
  if before then redis.call('ZREM', with_status[before], id) end
  redis.call('ZADD', with_status[status], created, id)
  if status ~= 'queued' then
    redis.call('ZREM', imports, id)
  elseif is_import() then
    redis.call('ZADD', imports, created, id)
  end
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
