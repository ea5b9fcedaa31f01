-- KEYS: user epochs, users, due, records of the user
-- ARGV: user, the user's locators
local epochs, users, due = unpack(KEYS, 1, 3)
local user, keys = ARGV[1], named(2, 4)
local all, again = members(users, user, keys)
if again then return all end
local epoch = call('HINCRBY', epochs, user, 1)
for _, loc in ipairs(all) do
    local rec = head(keys[loc])
    if string.byte(rec) == LIVE and user_of(rec) == user then
        -- The epoch stands in the record, so that a load needs no look at the user.
        call('SETRANGE', keys[loc], 9, struct.pack('>I8', epoch))
        call('ZADD', due, 'XX', 0, loc)
    end
end
return epoch
