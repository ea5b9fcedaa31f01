-- KEYS: old: record, global epoch, due, users, ends; new: record, global epoch, due,
--       users, user epochs, ends; lag of both; records of the user
-- ARGV: seen, old locator, value, locator, ttl, now, most, end oldest, the user's locators
local seen, old_loc, value, loc, ttl, now, most, end_oldest = unpack(ARGV, 1, 8)
local keys, user, g = named(9, 14), user_of(value), global(KEYS[7])
local old = head(KEYS[1])
if old == '' then return UNKNOWN end
if string.byte(old) == ENDED then return over(string.byte(old, 2), KEYS[12]) end
if marked(old) then return MOVING end
if outdated(old, global(KEYS[2])) then return over(REVOKED, KEYS[12]) end
if string.sub(old, 2, 9) ~= seen then return NOT_NOW end
local refused, evict, current = admit(KEYS[6], value, user, g, KEYS[10], KEYS[9], loc, num(now, 1),
    tonumber(most), end_oldest == '1', keys, old_loc)
if refused then return refused end
finish(KEYS[1], old, old_loc, REPLACED, now, KEYS[3], KEYS[4], KEYS[5])
for _, oldest in ipairs(evict) do
    finish(keys[oldest.loc], oldest.rec, oldest.loc, EVICTED, now, KEYS[8], KEYS[9], KEYS[11])
end
put(KEYS[6], value, loc, ttl, KEYS[7], KEYS[8], KEYS[9], current)
return over(OK, KEYS[12], KEYS[13])
