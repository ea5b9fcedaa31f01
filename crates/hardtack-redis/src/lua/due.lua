-- KEYS: global epoch, the one that was swept for, due, told
-- ARGV: now, limit, the least global epoch
local g_key, swept, due, told = unpack(KEYS, 1, 4)
if global(g_key) < tonumber(ARGV[3]) then call('SET', g_key, ARGV[3]) end
local g = global(g_key)
if g ~= global(swept) then
    -- All are to be looked at; those that go on get their place back one by one.
    call('ZUNIONSTORE', due, 1, due, 'WEIGHTS', 0)
    call('SET', swept, g)
end
local function first(key)
    return call('ZRANGEBYSCORE', key, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
end
return { g, first(due), first(told) }
