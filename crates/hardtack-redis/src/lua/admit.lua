-- Whether a record may be created, and who must make room for it. Answers a
-- refusal, or nil and those to be evicted, or the locators that the caller must name.
local function admit(key, value, user, g, epochs, users, loc, now, most, end_oldest, keys, but)
    local epoch = '0'
    if user ~= '' then epoch = call('HGET', epochs, user) or '0' end
    local current = tonumber(epoch)
    if num(value, 18) < current or num(value, 26) < g then return OUTDATED end
    if call('EXISTS', key) == 1 then return EXISTS end
    local evict = {}
    if most > 0 and string.byte(value, 58) == 1 then
        local all, again = members(users, string.sub(loc, 1, 2), keys)
        if again then return all end
        local counted = {}
        for _, old in ipairs(all) do
            local rec = head(keys[old])
            if old ~= but and string.byte(rec) == LIVE and user_of(rec) == user
                and string.byte(rec, 58) == 1 and num(rec, 42) > now and not outdated(rec, g) then
                counted[#counted + 1] = { loc = old, rec = rec, seen = num(rec, 34) }
            end
        end
        local too_many = #counted + 1 - most
        if too_many > 0 then
            if not end_oldest then return FULL end
            table.sort(counted, function(a, b) return a.seen < b.seen end)
            for n = 1, too_many do evict[n] = counted[n] end
        end
    end
    return nil, evict, current
end

local function put(key, value, loc, ttl, g_key, due, users, current)
    value = string.sub(value, 1, 9) .. struct.pack('>I8', current) .. string.sub(value, 18)
    if ttl == '' then call('SET', key, value) else call('SET', key, value, 'PX', ttl) end
    call('SETNX', g_key, '0')
    call('ZADD', live_in(value, due, users), second(num(value, 42)), loc)
end
