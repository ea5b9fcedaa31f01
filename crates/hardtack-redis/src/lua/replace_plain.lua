-- What nearly every replace is: nothing changes but the data, and times that only grow.
-- It stands before everything else, so that it runs without it: this is half of the time.
-- Numbers come as text: Redis takes long to make text of them.
do
    local call, sub, key, value = redis.call, string.sub, KEYS[1], ARGV[2]
    local old = call('GETRANGE', key, '0', ARGV[3])
    if sub(old, 1, 33) == ARGV[1] and sub(old, 50) == sub(value, 50, #old)
        and call('GET', KEYS[2]) == '0' then
        local seen, expires = struct.unpack('>I8I8', old, 34)
        local new_seen, new_expires = struct.unpack('>I8I8', value, 34)
        if new_seen >= seen and new_expires >= expires then
            call('SET', key, value, 'KEEPTTL')
            return 0
        end
    end
end
