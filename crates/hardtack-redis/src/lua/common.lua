-- What every script begins with. Offsets are those of record.rs, from 1.
-- A record:    1 | version 8 | user epoch now 8 | epochs: user 8, global 8 |
--              last seen 8 | expires 8 | dies 8 | kind 1 | user: length 1, bytes | ..
-- A tombstone: 2 | cause 1 | at 8 | delivered 1 | kind 1 | user: length 1, bytes
-- Numbers are compared as doubles: exact up to 2^53, some 285,000 years.
local LIVE, ENDED = 1, 2
local HEAD = 313 -- the longest head of a record, with a user of 255 bytes, less 1
local OK, NOT_NOW, UNKNOWN, EXISTS, FULL, OUTDATED, OTHER_USER, MOVING = 0, -1, -2, -3, -4, -5, -6, -7
local REVOKED, IDLE, LIFETIME, EVICTED, REPLACED, LOST = 2, 3, 4, 5, 6, 10
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

-- Where the sessions of a user stand in the index: their score. Two users of one
-- score are told apart by what stands in the records.
local function place(user) return tonumber(string.sub(redis.sha1hex(user), 1, 12), 16) end

-- Puts a tombstone in the place of a live record, and the end into the stream.
local function finish(key, rec, loc, cause, at, due, users, ends)
    local user = user_of(rec)
    local stone = string.char(ENDED, cause) .. at .. '\0' .. string.sub(rec, 58, 59) .. user
    -- First what takes nothing: a server without memory refuses a script's first
    -- write if that takes some, and then lets it go on. So an end is never refused.
    call('ZREM', due, loc)
    call('SET', key, stone)
    if user ~= '' then call('ZREM', users, loc) end
    call('ZADD', ends, num(at, 1), loc)
end

-- The members of a user's index that the caller has not named. Whoever touches the
-- record of a member has its key in KEYS, so that a slot on the move is noticed.
local function members(users, user, named)
    local place = place(user)
    local all = call('ZRANGEBYSCORE', users, place, place)
    for _, loc in ipairs(all) do
        if not named[loc] then return all, true end
    end
    return all, false
end

local function named(from_arg, from_key)
    local keys = {}
    for n = from_arg, #ARGV do keys[ARGV[n]] = KEYS[from_key + n - from_arg] end
    return keys
end
