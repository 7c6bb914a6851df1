-- publishing -> succeeded. ARGV: id, the id of the model or data set, then fields and values. Answers 'ok' or 'lost'.
local status, _, _, product = state()
if product ~= ARGV[2] then return 'lost' end
if status == 'succeeded' then return 'ok' end
redis.call('ZREM', publishing, id)
if not is_import() then
  redis.call('LPUSH', durations, get('spent_ms'))
  redis.call('LTRIM', durations, 0, KEPT_DURATIONS - 1)
end
if #ARGV > 2 then set(unpack(ARGV, 3)) end
to_end('succeeded')
return 'ok'
