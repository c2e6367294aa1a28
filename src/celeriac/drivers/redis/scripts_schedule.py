"""The scripts of the schedule; all its keys are in one slot."""

from __future__ import annotations

from celeriac.drivers.redis.scripts import DELAY
from celeriac.drivers.redis.server import Script

PUT = Script("""
-- KEYS: bodies, progress, due, fired. ARGV: whether afresh (1 or 0), then for each entry: name, body, progress, due ('' for never).
for i = 2, #ARGV, 4 do
  local name = ARGV[i]
  redis.call('HSET', KEYS[1], name, ARGV[i + 1])
  redis.call('HSET', KEYS[2], name, ARGV[i + 2])
  if ARGV[i + 3] == '' then redis.call('ZREM', KEYS[3], name) else redis.call('ZADD', KEYS[3], ARGV[i + 3], name) end
  if ARGV[1] == '1' then redis.call('HDEL', KEYS[4], name) end
end
return 1
""")

FIRE = Script(DELAY + """
-- KEYS: leader, fired, bodies, progress, due, then for each message its list (twice) or delayed set and texts.
-- ARGV: token, name, slot, body, progress, due ('' for never), then for each message: due ('' at once), its name there, text.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
local name = ARGV[2]
local fired = redis.call('HGET', KEYS[2], name)
if fired and tonumber(fired) >= tonumber(ARGV[3]) then return 0 end
if redis.call('HGET', KEYS[3], name) ~= ARGV[4] then return 0 end
local progress = redis.call('HGET', KEYS[4], name)
if not progress or string.sub(progress, 1, 1) ~= '+' then return 0 end
redis.call('HSET', KEYS[2], name, ARGV[3])
redis.call('HSET', KEYS[4], name, ARGV[5])
if ARGV[6] == '' then redis.call('ZREM', KEYS[5], name) else redis.call('ZADD', KEYS[5], ARGV[6], name) end
for i = 7, #ARGV, 3 do
  local at = 6 + (i - 7) / 3 * 2
  if ARGV[i] == '' then redis.call('LPUSH', KEYS[at], ARGV[i + 2]) else delay(KEYS[at], KEYS[at + 1], ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
end
return 1
""", last=True)

LEAD = Script("""
-- KEYS: leader. ARGV: candidate, seconds. Returns the token, or 0.
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local name, token, ends = unpack(redis.call('HMGET', KEYS[1], 'name', 'token', 'ends'))
if name and name ~= ARGV[1] and tonumber(ends) > now then return 0 end
token = tonumber(token or 0)
if name ~= ARGV[1] then token = token + 1 end
redis.call('HSET', KEYS[1], 'name', ARGV[1], 'token', token, 'ends', string.format('%.6f', now + tonumber(ARGV[2])))
return token
""")

RESIGN = Script("""
-- KEYS: leader. ARGV: candidate.
if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'name', '', 'ends', '0')
return 1
""")
