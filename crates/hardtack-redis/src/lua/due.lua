-- KEYS: global epoch, the one that was swept for, told, parts of due, as many of users
-- ARGV: now, limit, the least global epoch
local g_key, swept, told = unpack(KEYS, 1, 3)
if global(g_key) < tonumber(ARGV[3]) then call('SET', g_key, ARGV[3]) end
local g, parts = global(g_key), (#KEYS - 3) / 2
if g ~= global(swept) then
    -- All are to be looked at; those that go on get their place back one by one.
    for n = 4, #KEYS do call('ZUNIONSTORE', KEYS[n], 1, KEYS[n], 'WEIGHTS', 0) end
    call('SET', swept, g)
end
local function first(from, to, until_when)
    local all, limit = {}, tonumber(ARGV[2])
    for n = from, to do
        if #all == limit then break end
        local found = call('ZRANGEBYSCORE', KEYS[n], '-inf', until_when, 'LIMIT', 0, limit - #all)
        for _, loc in ipairs(found) do all[#all + 1] = loc end
    end
    return all
end
local now = second(tonumber(ARGV[1]))
return { g, first(4, 3 + parts, now), first(4 + parts, #KEYS, now), first(3, 3, ARGV[1]) }
