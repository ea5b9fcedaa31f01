-- KEYS: user epochs, users, lag, records of the user
-- ARGV: user, slot tag, the user's locators
local epochs, users, lag = unpack(KEYS, 1, 3)
local user, slot, keys = ARGV[1], ARGV[2], named(3, 4)
local all, again = members(users, slot, keys)
if again then return all end
local epoch = call('HINCRBY', epochs, user, 1)
for _, loc in ipairs(all) do
    local rec = head(keys[loc])
    if string.byte(rec) == LIVE and user_of(rec) == user then
        -- The epoch stands in the record, so that a load needs no look at the user.
        call('SETRANGE', keys[loc], 9, struct.pack('>I8', epoch))
        call('ZADD', users, 'XX', 0, loc)
    end
end
return over(epoch, lag)
