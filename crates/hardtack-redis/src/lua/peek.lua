-- Where a session is being moved to, and for how long it has been.
-- KEYS: moves
-- ARGV: locator
local mark = call('HGET', KEYS[1], ARGV[1])
if not mark then return UNKNOWN end
return { string.sub(mark, 1, 18), millis() - num(mark, 27) }
