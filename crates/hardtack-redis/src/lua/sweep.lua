-- KEYS: global epoch, ends, lag, the 8 parts of due or of users, records
-- ARGV: now, whether they have users, locators
local g_key, ends, lag = unpack(KEYS, 1, 3)
local at, kind, g, ended, moving = ARGV[1], tonumber(ARGV[2]), global(g_key), 0, {}
local now = num(at, 1)
for n = 3, #ARGV do
    local loc, key = ARGV[n], KEYS[n + 9]
    local due = KEYS[4 + math.floor(string.byte(loc, 2) / 32)]
    local rec = head(key)
    local expires = string.byte(rec) == LIVE and num(rec, 42)
    if rec == '' then
        -- Redis dropped it: evicted, or left over for a day after its time.
        call('SET', key, string.char(ENDED, LOST) .. at .. string.char(0, kind, 0))
        call('ZREM', due, loc)
        call('ZADD', ends, now, loc)
        ended = ended + 1
    elseif not expires then
        call('ZREM', due, loc)
    elseif marked(rec) then
        moving[#moving + 1] = loc
    elseif outdated(rec, g) then
        finish(key, rec, loc, REVOKED, at, due, due, ends)
        ended = ended + 1
    elseif expires > now then
        call('ZADD', due, second(expires), loc)
    else
        finish(key, rec, loc, expires >= num(rec, 50) and LIFETIME or IDLE, at, due, due, ends)
        ended = ended + 1
    end
end
local done = { ended, moving }
return ended > 0 and over(done, lag) or done
