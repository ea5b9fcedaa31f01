-- KEYS: global epoch, due, users, ends, records
-- ARGV: now, locators
local g_key, due, users, ends = unpack(KEYS, 1, 4)
local at, g, ended, moving = ARGV[1], global(g_key), 0, {}
local now = num(at, 1)
for n = 2, #ARGV do
    local loc, key = ARGV[n], KEYS[n + 3]
    local rec = head(key)
    local expires = string.byte(rec) == LIVE and num(rec, 42)
    if rec == '' then
        -- Redis dropped it: evicted, or left over for a day after its time.
        local kind = call('ZREM', users, loc)
        call('SET', key, string.char(ENDED, LOST) .. at .. string.char(0, kind, 0))
        call('ZREM', due, loc)
        call('ZADD', ends, now, loc)
        ended = ended + 1
    elseif not expires then
        call('ZREM', due, loc)
    elseif marked(rec) then
        moving[#moving + 1] = loc
    elseif outdated(rec, g) then
        finish(key, rec, loc, REVOKED, at, due, users, ends)
        ended = ended + 1
    elseif expires > now then
        call('ZADD', due, expires, loc)
    else
        finish(key, rec, loc, expires >= num(rec, 50) and LIFETIME or IDLE, at, due, users, ends)
        ended = ended + 1
    end
end
return { ended, moving }
