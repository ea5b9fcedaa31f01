-- KEYS: record, global epoch, due, users, user epochs, ends, lag, records of the user
-- ARGV: value, locator, ttl, now, most, end oldest, the user's locators
local key, g_key, due, users, epochs, ends, lag = unpack(KEYS, 1, 7)
local value, loc, ttl, now, most, end_oldest = unpack(ARGV, 1, 6)
local keys, user, g = named(7, 8), user_of(value), global(g_key)
local refused, evict, current = admit(key, value, user, g, epochs, users, loc, num(now, 1),
    tonumber(most), end_oldest == '1', keys)
if refused then return refused end
for _, old in ipairs(evict) do
    finish(keys[old.loc], old.rec, old.loc, EVICTED, now, due, users, ends)
end
put(key, value, loc, ttl, g_key, due, users, current)
return #evict > 0 and over(OK, lag) or OK
