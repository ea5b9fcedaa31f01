-- KEYS: records
-- ARGV: for each: last seen and expires
for n, key in ipairs(KEYS) do
    local rec, touch = call('GETRANGE', key, 0, 56), ARGV[n]
    if string.byte(rec) == LIVE then
        local seen, expires = string.sub(rec, 34, 41), string.sub(rec, 42, 49)
        if num(touch, 1) > num(seen, 1) then seen = string.sub(touch, 1, 8) end
        if num(touch, 9) > num(expires, 1) then expires = string.sub(touch, 9, 16) end
        if num(expires, 1) > num(rec, 50) then expires = string.sub(rec, 50, 57) end
        local times = seen .. expires
        if times ~= string.sub(rec, 34, 49) then call('SETRANGE', key, 33, times) end
    end
end
return OK
