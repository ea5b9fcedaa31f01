-- KEYS: users
-- ARGV: the user's slot tag
return (members(KEYS[1], ARGV[1], {}))
