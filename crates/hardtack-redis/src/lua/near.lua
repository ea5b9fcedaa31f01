-- Makes sure that whoever ends a session knows that a process remembers, and for how long it
-- may; answers for how long that stands.
-- KEYS: lag
-- ARGV: how long, and how long Redis keeps that, in milliseconds
local call = redis.call
local there, left = tonumber(call('GET', KEYS[1]) or '0'), call('PTTL', KEYS[1])
local lag, kept = tonumber(ARGV[1]), tonumber(ARGV[2])
-- A greater one of somebody else is left alone, and goes when nobody renews it.
if there < lag or (there == lag and left < kept / 2) then
    call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return kept
end
return left
