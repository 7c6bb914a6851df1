-- Stands before each script. KEYS: job, events, jobs, leases, publishing, ended, durations, the queued imports, what the keys of
-- callers begin with, counters, outbox, the events of all jobs, then the jobs of each status, and last the script's own key. ARGV: id, then the script's
-- own arguments.
local job, events, jobs, leases, publishing, ended, durations, imports, caller_prefix, counters, outbox, all_events =
  unpack(KEYS, 1, 12)
local queued, running, paused, succeeded, failed, cancelled, own = unpack(KEYS, 13)
local with_status = {
  queued = queued, running = running, paused = paused, succeeded = succeeded, failed = failed, cancelled = cancelled,
}
local id = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local KEPT_EVENTS, KEPT_DURATIONS = 10000, 20
local DAY_MS = 86400000
local KEPT_USE_MS = 3 * DAY_MS
local SCHEMA = 1 -- as core/schema.py has it

local function get(...) return unpack(redis.call('HMGET', job, ...)) end
local function set(...) redis.call('HSET', job, ...) end
local function is_import() return get('kind') == 'import' end

-- Add to a counter. In the script of the change that it counts, so that both are there after a crash, or neither.
local function count(what, detail, by)
  local name = what .. (is_import() and ':import' or ':train') .. (detail and ':' .. detail or '')
  redis.call('HINCRBY', counters, name, by or 1)
end

-- The status of a job that has ended, and the type of its error where it failed.
local function end_of_job(status)
  local error = status == 'failed' and get('error')
  if error then status = status .. ':' .. cjson.decode(error).type end
  return status
end

-- Status, owner, request, and what the job is committed to: the id of its model or data set.
local function state()
  local status, owner, request, model, dataset = get('status', 'owner', 'request', 'model_id', 'dataset')
  return status, owner, request, model or dataset
end

-- Every change of a record goes with an event, in the same script, so that the two cannot disagree. It stands among those of
-- the job, and among those of all jobs.
local function tell(kind, data)
  data = data or '{}'
  local event = redis.call('XADD', events, 'MAXLEN', '~', KEPT_EVENTS, '*', 'type', kind, 'data', data)
  set('event', event)
  redis.call('XADD', all_events, 'MAXLEN', '~', KEPT_EVENTS, '*', 'event', event, 'job', id, 'caller', get('caller') or 'anybody',
    'type', kind, 'data', data)
end

-- What a caller has used in a day, which is counted from 1970 in UTC.
local function use_of(caller, day)
  local name = caller .. ':use:' .. day
  return caller_prefix .. name
end

-- Each day gets the part of a job's time that was in it.
local function add_to_use(since)
  while since < now do
    local day = math.floor(since / DAY_MS)
    local till = math.min(now, (day + 1) * DAY_MS)
    local use = use_of(get('caller') or 'anybody', day)
    redis.call('HINCRBY', use, 'device_ms', till - since)
    redis.call('PEXPIRE', use, KEPT_USE_MS)
    since = till
  end
end

-- From running to anything else: the lease is gone, and the time it took is added up.
local function leave_worker()
  redis.call('ZREM', leases, id)
  local spent = math.max(0, now - get('claimed_ms'))
  redis.call('HINCRBY', job, 'spent_ms', spent)
  count('spent_ms', nil, spent)
  add_to_use(tonumber(get('claimed_ms')))
end

-- The list of the jobs of this job's caller, or of those with a status; nil for anybody's job.
local function callers_jobs(status)
  local caller = get('caller')
  if not caller or caller == 'anybody' then return nil end
  return caller_prefix .. caller .. (status and ':' .. status or '')
end

-- Out of the lists of a status.
local function leave(status)
  redis.call('ZREM', with_status[status], id)
  if callers_jobs() then redis.call('ZREM', callers_jobs(status), id) end
end

-- The only place that changes a status, so that each job stands in the lists of the one that it has: that of all jobs, and that
-- of its caller's. The queued imports stand in a list of their own too.
local function become(status, ...)
  local before, created = get('status', 'created_us')
  if before then leave(before) end
  redis.call('ZADD', with_status[status], created, id)
  if callers_jobs() then redis.call('ZADD', callers_jobs(status), created, id) end
  if status ~= 'queued' then
    redis.call('ZREM', imports, id)
  elseif is_import() then
    redis.call('ZADD', imports, created, id)
  end
  set('status', status, ...)
end

local function to_queue(reason)
  become('queued')
  count('queued', reason)
  tell('queued', cjson.encode({ reason = reason }))
end

local function to_pause()
  become('paused', 'request', '')
  count('paused')
  tell('paused')
end

-- One message for each webhook of the job's caller that takes messages of this type. `webhooks/outbox.py` sends them.
local function tell_webhooks(status)
  local webhooks = redis.call('HGETALL', caller_prefix .. (get('caller') or 'anybody') .. ':webhooks')
  for i = 1, #webhooks, 2 do
    local webhook, types = webhooks[i], webhooks[i + 1]
    if types:find('job.' .. status, 1, true) then
      redis.call('HSET', outbox .. ':job:' .. id, webhook .. ':status', 'pending', webhook .. ':next_ms', now)
      redis.call('ZADD', outbox .. ':' .. webhook, now, id)
      redis.call('ZADD', outbox, 'LT', now, webhook)
    end
  end
end

-- A job that has ended changes no more, so this runs once for each.
local function to_end(status)
  redis.call('ZADD', ended, now, id)
  become(status, 'request', '', 'finished_ms', now)
  count('ended', end_of_job(status))
  tell(status)
  tell_webhooks(status)
end
