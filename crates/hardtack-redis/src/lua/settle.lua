-- Whether a move has happened: whether its new session was created. If told to,
-- makes sure that it never will.
-- KEYS: the new session's record
-- ARGV: whether to give it up, how long Redis keeps that in mind
local stone = string.char(ENDED, LOST) .. string.rep('\0', 8) .. '\1\0\0'
local there = call('GETRANGE', KEYS[1], 0, 12)
if there == stone then return EXISTS end
if there ~= '' then return OK end
if ARGV[1] == '0' then return NOT_NOW end
call('SET', KEYS[1], stone, 'PX', ARGV[2])
return EXISTS
