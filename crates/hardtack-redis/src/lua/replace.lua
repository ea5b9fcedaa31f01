-- KEYS: record, global epoch, due
-- ARGV: how the record begins that was seen, if nothing has ended it; value; what has to
-- be the same in both ends at this byte, from 0
local key, g_key, due = unpack(KEYS, 1, 3)
local seen, value = unpack(ARGV, 1, 2)
local old = head(key)
if old == '' then return UNKNOWN end
if string.byte(old) == ENDED then return string.byte(old, 2) end
if marked(old) then return MOVING end
if outdated(old, global(g_key)) then return REVOKED end
if string.sub(old, 1, 9) ~= string.sub(seen, 1, 9) then return NOT_NOW end
if user_of(old) ~= user_of(value) then return OTHER_USER end
local times = string.sub(value, 34, 49)
if num(old, 34) > num(value, 34) then times = string.sub(old, 34, 49) end
call('SET', key, string.sub(value, 1, 9) .. string.sub(old, 10, 17) .. string.sub(value, 18, 33)
    .. times .. string.sub(value, 50), 'KEEPTTL')
if string.sub(value, 50, 57) ~= string.sub(old, 50, 57) then
    local left = num(value, 50) - num(value, 34)
    if left > AGES then
        call('PERSIST', key)
    else
        call('PEXPIRE', key, string.format('%.0f', math.max(left, 0) + LEFT_OVER))
    end
end
-- Where it stands among the due is the earliest that it may be over.
local expires, loc = num(times, 9), string.sub(key, -18)
if expires < num(old, 42) then call('ZADD', due, 'LT', second(expires), loc) end
return OK
