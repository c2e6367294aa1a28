"""The scripts of leases: renewing one, looking after everybody's, and putting back what a dead owner held (see ``scripts``)."""

from __future__ import annotations

from celeriac.drivers.redis.scripts import NOW, PROMOTE
from celeriac.drivers.redis.server import Script

LOOK = Script(
    NOW
    + PROMOTE
    + """
-- KEYS: the mark of the last look, then for each queue: owners, delayed, its texts, its lists. ARGV: lists a queue, owner, lease, for each queue the
-- first list that this owner does not hear of by itself (0: it does not fetch from the queue).
-- Promotes what is due; returns how many owners live, whether another than this one has a short lease, whether there is something that this owner
-- may not have heard of, then queue, dead owner, as often as it takes. The mark says when anybody's next look is due: soon while anybody has a short
-- lease; otherwise so that the next one after a gap comes before the lease of one that dies meanwhile has been over for long.
local size, found, lease, living, count = tonumber(ARGV[1]) + 3, {0, 0, 0}, tonumber(ARGV[3]), {}, 0
local short, unheard = false, false
for base = 1, #KEYS - size, size do
  promote(KEYS[base + 2], KEYS[base + 3], base + 4, stamp(now))
  local first = tonumber(string.sub(ARGV[4], (base - 1) / size + 1, (base - 1) / size + 1))
  if first > 0 and first <= size - 3 then
    if redis.call('EXISTS', unpack(KEYS, base + 3 + first, base + size - 1)) > 0 then unheard = true end
  end
  local owners = redis.call('ZRANGE', KEYS[base + 1], 0, -1, 'WITHSCORES')
  for i = 1, #owners, 2 do
    local left = tonumber(owners[i + 1]) - now
    if left <= 0 then
      found[#found + 1] = (base - 1) / size
      found[#found + 1] = owners[i]
    elseif not living[owners[i]] then
      living[owners[i]], count = true, count + 1
    end
    if left > 0 and left <= lease then
      short = true
      if owners[i] ~= ARGV[2] then found[2] = 1 end
    end
  end
end
found[1], found[3] = count, unheard and 1 or 0
redis.pcall('SET', KEYS[1], count, 'PX', math.ceil(lease * (short and 300 or count < 12 and 400 or 700)))
return found
"""
)

RENEW = Script(
    NOW
    + """
-- KEYS: owners of each queue. ARGV: owner, lease.
redis.call('ZREM', KEYS[1], '')
for i = 1, #KEYS do redis.call('ZADD', KEYS[i], stamp(now + tonumber(ARGV[2])), ARGV[1]) end
"""
)

TEND = Script(
    """
-- KEYS: the mark of the last look, idle, watchers, then for each queue: owners, held, taken. ARGV: owner, lease, idle lease, 1 if it may be idle,
-- most watchers ('' if it does not wait, 0 not to ask), 1 if this owner watches, 1 if it was alone and has looked lately. Renews the lease, the idle
-- one if nothing is held. Returns whether that was it, how many owners there are if somebody has looked after them lately or there are no others
-- (otherwise it is this one's turn, and 0), whether it should begin to watch.
local t, call, owner = redis.call('TIME'), redis.call, ARGV[1]
local now, idle = tonumber(t[1]) + tonumber(t[2]) / 1000000, 0
local function stamp(seconds) return string.format('%.6f', seconds) end
if ARGV[4] ~= '0' then
  idle = 1
  if ARGV[4] == '1' then
    for i = 4, #KEYS, 3 do if call('EXISTS', KEYS[i + 1], KEYS[i + 2]) > 0 then idle = 0 end end
  end
end
local ends = stamp(now + tonumber(ARGV[idle == 1 and 3 or 2]))
local full = redis.pcall('ZADD', KEYS[4], ends, owner)
if type(full) == 'table' and full.err then
  -- The server's memory is full: what takes away comes first (see above).
  call('ZREM', KEYS[4], '')
  call('ZADD', KEYS[4], ends, owner)
end
for i = 7, #KEYS, 3 do call('ZADD', KEYS[i], ends, owner) end
local wanted = 0
if ARGV[5] ~= '' and idle == 1 then
  call('ZADD', KEYS[2], ends, owner)
  if ARGV[6] == '1' then call('ZADD', KEYS[3], ends, owner)
  elseif ARGV[5] ~= '0' and call('ZCOUNT', KEYS[3], stamp(now), '+inf') < tonumber(ARGV[5]) then wanted = 1 end
end
if ARGV[7] == '1' and idle == 1 then
  local others = 0
  for i = 4, #KEYS, 3 do others = others + call('ZCARD', KEYS[i]) - 1 end
  if others == 0 then return {1, 1, wanted} end
end
local count = call('GET', KEYS[1])
if not count then call('SET', KEYS[1], 1, 'PX', 1500) end
return {idle, count and tonumber(count) or 0, wanted}
"""
)

RESTORE = Script(
    NOW
    + """
-- KEYS: owners, held, taken, given away, begun, lists. ARGV: owner, 1 if whatever its lease says, then for each message, the youngest first:
-- tag, text ('' for one that is held), list, new text. Returns how many went back to the head of their lists; what has begun does not. The owner is
-- forgotten when nothing is left, but not before a minute after its end: until then something may still arrive by a command that it left blocked.
local owner, count, call = ARGV[1], 0, redis.call
local ends = call('ZSCORE', KEYS[1], owner)
if ARGV[2] ~= '1' and ends and tonumber(ends) > now then return 0 end
local begun = {}
if #ARGV > 2 then
  for _, tags in ipairs(call('HVALS', KEYS[5])) do
    for tag in string.gmatch(tags, '%S+') do begun[tag] = true end
  end
end
for i = 3, #ARGV, 4 do
  local there
  if begun[ARGV[i]] then there = 0
  elseif ARGV[i + 1] == '' then there = call('HDEL', KEYS[2], ARGV[i])
  else there = call('LREM', KEYS[3], 1, ARGV[i + 1]) end
  if there == 1 then
    call('RPUSH', KEYS[6 + tonumber(ARGV[i + 2])], ARGV[i + 3])
    count = count + 1
  end
end
if count > 0 and ARGV[2] ~= '1' then call('SET', KEYS[4], stamp(now), 'EX', 86400) end
if call('EXISTS', KEYS[2], KEYS[3]) == 0 then
  if call('EXISTS', KEYS[5]) == 1 then call('DEL', KEYS[5]) end
  if ARGV[2] == '1' or not ends or tonumber(ends) < now - 60 then call('ZREM', KEYS[1], owner) end
end
return count
"""
)

INHERIT = Script(
    NOW
    + """
-- KEYS: owners; held, taken and begun of a dead one; held and begun of its heir. ARGV: the dead one, for how long it has to be, the heir's mark, then
-- for each message that it had begun: tag, text ('' for one that is held), new tag. Returns how many are the heir's now, -1 when it is too early: the
-- dead one has a lease, or nobody saw for that long that it has none. (Nobody looked while the server was away, and nobody could renew a lease.)
local call, ends, tags = redis.call, redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-', {}
if ends ~= '-' and tonumber(ends) > now then return -1 end
local last, since = string.match(call('HGET', KEYS[4], '') or '', '^(%S+) (%S+)$')
if last ~= ends then
  call('HDEL', KEYS[4], '')
  call('HSET', KEYS[4], '', ends .. ' ' .. stamp(now))
  return -1
end
if now - tonumber(since) < tonumber(ARGV[2]) then return -1 end
for i = 4, #ARGV, 3 do
  local text = ARGV[i + 1]
  if text == '' then
    text = call('HGET', KEYS[2], ARGV[i])
    if text then call('HDEL', KEYS[2], ARGV[i]) end
  elseif call('LREM', KEYS[3], 1, text) == 0 then
    text = false
  end
  if text then
    call('HSET', KEYS[5], ARGV[i + 2], text)
    tags[#tags + 1] = ARGV[i + 2]
  end
end
if #tags > 0 then call('HSET', KEYS[6], ARGV[3], table.concat(tags, ' ')) end
return #tags
"""
)
