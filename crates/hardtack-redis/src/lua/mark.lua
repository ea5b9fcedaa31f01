-- Begins to put a session of another slot in the place of this one.
-- KEYS: record, global epoch, due, users, moves, lag
-- ARGV: seen, locator, new locator, at
local key, g_key, due, users, moves, lag = unpack(KEYS, 1, 6)
local seen, loc, new, at = unpack(ARGV, 1, 4)
local rec = head(key)
if rec == '' then return UNKNOWN end
if string.byte(rec) == ENDED then return over(string.byte(rec, 2), lag) end
if marked(rec) then
    local mark = call('HGET', moves, loc)
    return mark and string.sub(mark, 1, 18) == new and EXISTS or MOVING
end
if outdated(rec, global(g_key)) then return over(REVOKED, lag) end
if string.sub(rec, 2, 9) ~= seen then return NOT_NOW end
call('SETRANGE', key, 1, string.char(string.byte(rec, 2) + MARK))
call('HSET', moves, loc, new .. at .. struct.pack('>I8', millis()))
call('ZADD', live_in(rec, due, users), 'XX', 0, loc)
return OK
