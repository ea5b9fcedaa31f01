-- KEYS: users
-- ARGV: user
return (members(KEYS[1], ARGV[1], {}))
