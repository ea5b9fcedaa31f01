-- KEYS: global epoch, records
-- ARGV: how many bytes of each
local heads = { call('GET', KEYS[1]) or '0' }
for n = 2, #KEYS do heads[n] = call('GETRANGE', KEYS[n], 0, ARGV[1] - 1) end
return heads
