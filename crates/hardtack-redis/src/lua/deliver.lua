-- KEYS: ends, told, records
-- ARGV: how long a tombstone is kept, how long Redis keeps it, locators
local ends, told = unpack(KEYS, 1, 2)
for n = 3, #ARGV do
    local loc, key = ARGV[n], KEYS[n]
    local stone = call('GETRANGE', key, 0, 10)
    -- A live session has no end to tell.
    if string.byte(stone) ~= LIVE then call('ZREM', ends, loc) end
    if string.byte(stone) == ENDED and string.byte(stone, 11) == 0 then
        call('SETRANGE', key, 10, '\1')
        call('PEXPIRE', key, ARGV[2])
        call('ZADD', told, num(stone, 3) + tonumber(ARGV[1]), loc)
    end
end
return OK
