-- Ends the old session of a move that has happened, or lets it go on.
-- KEYS: record, due, users, ends, moves, lag
-- ARGV: locator, new locator, whether it has happened
local key, due, users, ends, moves, lag = unpack(KEYS, 1, 6)
local loc, new, happened = unpack(ARGV, 1, 3)
local done = happened == '1' and over(OK, lag) or OK
local mark = call('HGET', moves, loc)
if not mark or string.sub(mark, 1, 18) ~= new then return done end
call('HDEL', moves, loc)
local rec = head(key)
if string.byte(rec) ~= LIVE or not marked(rec) then return done end
if happened == '1' then
    finish(key, rec, loc, REPLACED, string.sub(mark, 19, 26), due, users, ends)
else
    call('SETRANGE', key, 1, string.char(string.byte(rec, 2) - MARK))
    call('ZADD', live_in(rec, due, users), 'XX', second(num(rec, 42)), loc)
end
return done
