-- What nearly every replace is: nothing changes but the data, and times that only grow.
-- It stands before everything else, so that it runs without it: this is half of the time.
do
    local call, sub, key, value = redis.call, string.sub, KEYS[1], ARGV[2]
    local tail = 59 + string.byte(value, 59)
    local old = call('GETRANGE', key, 0, tail - 1)
    if sub(old, 1, 9) == ARGV[1] and sub(old, 10, 17) == sub(old, 18, 25)
        and sub(old, 10, 33) == sub(value, 10, 33) and sub(old, 50, tail) == sub(value, 50, tail)
        and call('GET', KEYS[2]) == '0' then
        local seen, expires = struct.unpack('>I8I8', old, 34)
        local new_seen, new_expires = struct.unpack('>I8I8', value, 34)
        if new_seen >= seen and new_expires >= expires then
            call('SET', key, value, 'KEEPTTL')
            return 0
        end
    end
end
