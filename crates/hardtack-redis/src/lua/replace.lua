-- What else a replace may be, of those in replace_plain.lua that are not answered there.
local function replace(key, g_key, due, seen, value)
    local old = head(key)
    if old == '' then return UNKNOWN end
    if string.byte(old) == ENDED then return string.byte(old, 2) end
    if marked(old) then return MOVING end
    if outdated(old, global(g_key)) then return REVOKED end
    if string.sub(old, 1, 9) ~= string.sub(seen, 1, 9) then return NOT_NOW end
    if user_of(old) ~= user_of(value) then return OTHER_USER end
    local times = string.sub(value, 34, 49)
    if num(old, 34) > num(value, 34) then times = string.sub(old, 34, 49) end
    call('SET', key, string.sub(value, 1, 9) .. string.sub(old, 10, 17) .. string.sub(value, 18, 33)
        .. times .. string.sub(value, 50), 'KEEPTTL')
    if string.sub(value, 50, 57) ~= string.sub(old, 50, 57) then
        local left = num(value, 50) - num(value, 34)
        if left > AGES then
            call('PERSIST', key)
        else
            call('PEXPIRE', key, string.format('%.0f', math.max(left, 0) + LEFT_OVER))
        end
    end
    -- Where it stands among the due is the earliest that it may be over.
    local expires, loc = num(times, 9), string.sub(key, -18)
    if expires < num(old, 42) then call('ZADD', due, 'LT', second(expires), loc) end
    return OK
end

for n = 1, #answers do
    if not answers[n] then
        local keys, args = 3 * n - 2, 3 * n - 2
        local done, answer = pcall(replace, KEYS[keys], KEYS[keys + 1], KEYS[keys + 2],
            ARGV[args], ARGV[args + 1])
        -- Before version 7 an error is a text.
        answers[n] = (done or type(answer) == 'table') and answer or redis.error_reply(answer)
    end
end
return #answers == 1 and answers[1] or answers
