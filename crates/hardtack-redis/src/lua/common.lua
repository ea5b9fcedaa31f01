-- What every script begins with. Offsets are those of record.rs, from 1.
-- A record:    1 | version 8 | user epoch now 8 | epochs: user 8, global 8 |
--              last seen 8 | expires 8 | dies 8 | kind 1 | user: length 1, bytes | ..
-- A tombstone: 2 | cause 1 | at 8 | delivered 1 | kind 1 | user: length 1, bytes
-- Numbers are compared as doubles: exact up to 2^53, some 285,000 years.
local LIVE, ENDED = 1, 2
local HEAD = 313 -- the longest head of a record, with a user of 255 bytes, less 1
local OK, NOT_NOW, UNKNOWN, EXISTS, FULL, OUTDATED, OTHER_USER, MOVING = 0, -1, -2, -3, -4, -5, -6, -7
local REVOKED, IDLE, LIFETIME, EVICTED, REPLACED, LOST = 2, 3, 4, 5, 6, 10
-- As in store.rs, in milliseconds: how long Redis keeps a record after its time, and how
-- much time is so much that it is kept for ever.
local LEFT_OVER, AGES = 24 * 3600 * 1000, 100 * 365 * 24 * 3600 * 1000
local MARK = 128 -- on the version's first byte while a login moves the session
local call = redis.call

local function num(bytes, at) return (struct.unpack('>I8', bytes, at)) end
local function head(key) return call('GETRANGE', key, 0, HEAD) end
local function user_of(rec) return string.sub(rec, 60, 59 + string.byte(rec, 59)) end
local function marked(rec) return string.byte(rec, 2) >= MARK end
local function global(key) return tonumber(call('GET', key) or '0') end
local function outdated(rec, g) return num(rec, 18) < num(rec, 10) or num(rec, 26) < g end

-- The server's clock: only for how long ago a move began.
local function millis()
    local now = call('TIME')
    return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- The score of a live session: small numbers take less memory.
local function second(millis) return math.floor(millis / 1000) end
local function live_in(rec, due, users) return string.byte(rec, 59) == 0 and due or users end

-- Puts a tombstone in the place of a live record, and the end into the stream.
local function finish(key, rec, loc, cause, at, due, users, ends)
    local user = user_of(rec)
    local stone = string.char(ENDED, cause) .. at .. '\0' .. string.sub(rec, 58, 59) .. user
    -- First what takes nothing: a server without memory refuses a script's first
    -- write if that takes some, and then lets it go on. So an end is never refused.
    call('ZREM', live_in(rec, due, users), loc)
    call('SET', key, stone)
    call('ZADD', ends, num(at, 1), loc)
end

-- The answer of a script that has ended something, or has found it ended: with how long
-- it is to be held back, where a process answers from what it remembers (near.lua).
local function over(answer, lag_key, other)
    local lag = tonumber(call('GET', lag_key) or '0')
    if other then lag = math.max(lag, tonumber(call('GET', other) or '0')) end
    return lag > 0 and { answer, lag } or answer
end

-- The sessions that may be a user's: their locators begin with the user's slot tag.
-- Whose they are stands in the records; whether the caller must name them is said beside.
-- Whoever touches the record of a member has its key in KEYS, so that a slot on the move
-- is noticed.
local function members(users, slot, named)
    local all, again = {}, false
    for _, loc in ipairs(call('ZRANGE', users, 0, -1)) do
        if string.sub(loc, 1, 2) == slot then
            all[#all + 1] = loc
            again = again or not named[loc]
        end
    end
    return all, again
end

local function named(from_arg, from_key)
    local keys = {}
    for n = from_arg, #ARGV do keys[ARGV[n]] = KEYS[from_key + n - from_arg] end
    return keys
end
