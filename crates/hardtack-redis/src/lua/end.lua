-- KEYS: record, global epoch, due, users, ends, lag
-- ARGV: locator, cause, at, only if expired
local key, g_key, due, users, ends, lag = unpack(KEYS, 1, 6)
local loc, cause, at, expired = unpack(ARGV, 1, 4)
local rec = head(key)
if rec == '' then return UNKNOWN end
if string.byte(rec) == ENDED then return over(string.byte(rec, 2), lag) end
if marked(rec) then return MOVING end
if outdated(rec, global(g_key)) then
    finish(key, rec, loc, REVOKED, at, due, users, ends)
    return over(REVOKED, lag)
end
if expired == '1' and num(rec, 42) > num(at, 1) then return NOT_NOW end
finish(key, rec, loc, tonumber(cause), at, due, users, ends)
return over(OK, lag)
