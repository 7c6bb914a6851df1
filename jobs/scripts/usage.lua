-- What a caller has used today, and has now. ARGV: '', caller. Answers JSON.
local caller = ARGV[2]
local images = redis.call('HGET', use_of(caller, math.floor(now / DAY_MS)), 'images')
return cjson.encode({
  now_ms = now, images = tonumber(images or 0), device_ms = device_ms(caller),
  queued = waiting_of(caller), running = size_of(caller, 'running'),
  jobs_level_us = level_of(caller, 'jobs'), uploads_level_us = level_of(caller, 'uploads'),
})
