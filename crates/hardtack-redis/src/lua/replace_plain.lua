-- Several replaces, each by itself.
-- KEYS: of each: record, global epoch, due
-- ARGV: of each: how the record begins that was seen, if nothing has ended it; value; what
-- has to be the same in both ends at this byte, from 0
-- First what nearly every one is: nothing changes but the data, and times that only grow.
-- It stands before everything else, so that it runs without it: this is half of the time.
-- Numbers come as text: Redis takes long to make text of them.
local answers, more = {}, false
do
    local call, sub, unpack = redis.pcall, string.sub, struct.unpack
    for n = 1, #KEYS / 3 do
        local key, seen, value, ends = KEYS[3 * n - 2], ARGV[3 * n - 2], ARGV[3 * n - 1], ARGV[3 * n]
        local old, answer = call('GETRANGE', key, '0', ends), false
        if type(old) == 'string' and sub(old, 1, 33) == seen
            and sub(old, 50) == sub(value, 50, #old) and call('GET', KEYS[3 * n - 1]) == '0' then
            local last_seen, expires = unpack('>I8I8', old, 34)
            local new_last_seen, new_expires = unpack('>I8I8', value, 34)
            if new_last_seen >= last_seen and new_expires >= expires then
                answer = call('SET', key, value, 'KEEPTTL')
                if answer.ok then answer = 0 end
            end
        end
        answers[n] = answer
        more = more or not answer
    end
end
if not more then return #answers == 1 and answers[1] or answers end
