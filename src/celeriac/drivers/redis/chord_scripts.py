"""The script that counts the parts of a chord; atomic, as all scripts are."""

from __future__ import annotations

from celeriac.drivers.redis.server import Script

PORTION = 1000
"""Parts that one call counts at most: Lua's stack holds 8,000 values."""
OURS = b"celeriac"
"""What stands in the mark of completion while one of our workers sends the body: those of Celery's leave it to us, ours may take over."""

COUNT = Script(
    """
-- KEYS: of one chord, as ResultKeys.chord has them, and the chords that are due (not in a cluster, where they lie elsewhere).
-- ARGV: chord, our mark, size (0: somebody else tells it), seconds to live ('' for ever), what the parts say of the body, member of one that failed
-- ('' if none has), number of parts (0: only look), then each part's member among those seen,
-- then of each: index, body, detail, how many parts it has added.
-- Returns nothing, or whether it failed ('1', '0'), what is known of the body, details by member, bodies by index, members seen.
local parts, delta, size, seen, mark, details, due = unpack(KEYS)
local group, ours, life, failed, count = ARGV[1], ARGV[2], tonumber(ARGV[4]), ARGV[6], tonumber(ARGV[7])
local call = redis.call
local marked = call('GET', mark)
if marked and marked ~= ours then return {} end
if count > 0 then
  local known = call('SMISMEMBER', seen, unpack(ARGV, 8, 7 + count))
  local members, bodies, told, added = {}, {}, {'way', ARGV[5]}, 0
  for i = 1, count do
    if known[i] == 0 then
      local at, n = 7 + count + 4 * (i - 1), #members
      members[n + 1] = ARGV[7 + i]
      bodies[2 * n + 1], bodies[2 * n + 2] = ARGV[at + 1], ARGV[at + 2]
      told[2 * n + 3], told[2 * n + 4] = ARGV[7 + i], ARGV[at + 3]
      added = added + tonumber(ARGV[at + 4])
    end
  end
  if #members > 0 then
    call('SADD', seen, unpack(members))
    call('ZADD', parts, unpack(bodies))
    call('HSET', details, unpack(told))
    if added > 0 then call('INCRBY', delta, added) end
    if failed ~= '' then call('HSETNX', details, 'failed', failed) end
  end
end
local wanted = call('GET', size)
if not wanted and ARGV[3] ~= '0' then
  wanted = ARGV[3]
  call('SET', size, wanted)
end
if life and call('TTL', details) < life * 0.9 then
  for _, key in ipairs({parts, delta, size, seen, details}) do call('EXPIRE', key, life) end
end
local bad = call('HGET', details, 'failed')
if not bad and (not wanted or call('SCARD', seen) < tonumber(wanted) + tonumber(call('GET', delta) or 0)) then return {} end
call('SET', mark, ours, 'EX', 300)
if due then call('ZADD', due, call('TIME')[1], group) end
local way = call('HGET', details, 'way') or ''
if bad then return {'1', way, {bad, call('HGET', details, bad)}, call('ZRANGE', parts, 0, -1, 'WITHSCORES'), {}} end
return {'0', way, call('HGETALL', details), call('ZRANGE', parts, 0, -1, 'WITHSCORES'), call('SMEMBERS', seen)}
"""
)
