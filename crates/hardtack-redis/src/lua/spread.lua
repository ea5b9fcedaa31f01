-- KEYS: global epoch, lag
-- ARGV: at least
if global(KEYS[1]) < tonumber(ARGV[1]) then call('SET', KEYS[1], ARGV[1]) end
return over(OK, KEYS[2])
