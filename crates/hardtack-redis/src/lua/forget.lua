-- KEYS: told, records
-- ARGV: locators
local forgotten = 0
for n, loc in ipairs(ARGV) do
    if call('ZREM', KEYS[1], loc) == 1 then
        call('DEL', KEYS[n + 1])
        forgotten = forgotten + 1
    end
end
return forgotten
