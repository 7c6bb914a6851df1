-- publishing -> succeeded. ARGV: id, model, publication. Answers 'ok' or 'lost'.
local status, model = get('status', 'model_id')
if model ~= ARGV[2] then return 'lost' end
if status == 'succeeded' then return 'ok' end
redis.call('ZREM', publishing, id)
redis.call('LPUSH', durations, get('spent_ms'))
redis.call('LTRIM', durations, 0, KEPT_DURATIONS - 1)
set('publication', ARGV[3])
to_end('succeeded')
return 'ok'
