-- Add images to what a caller has used in a day, once for each batch. ARGV: '', caller, day, images, who counts, the number of its
-- batch. Answers the images of that day.
local use, counter = use_of(ARGV[2], ARGV[3]), 'batch:' .. ARGV[5]
if redis.call('HGET', use, counter) ~= ARGV[6] then
  redis.call('HINCRBY', use, 'images', ARGV[4])
  redis.call('HSET', use, counter, ARGV[6])
  redis.call('PEXPIRE', use, KEPT_USE_MS)
end
return redis.call('HGET', use, 'images')
