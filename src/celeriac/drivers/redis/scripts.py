"""The scripts: one for each change of state. All keys are declared; what is passed is flat.

A script is atomic: others see all of it or nothing, and a server that dies has written all of it to its log or nothing.

A server whose memory is full (``maxmemory``, ``noeviction``) refuses a script at its first command that may need memory, unless it has written
something before. What workers do begins with a command that takes away, be it nothing: they go on, which alone frees the memory. Clients are refused.
"""

from __future__ import annotations

from celeriac.drivers.redis.server import Script

CHUNK = 3000
"""Arguments that one command inside a script gets at most: Lua's stack holds 8,000."""

PROMOTE = """
local function promote(delayed, texts, first_list, now)
  -- Due messages go before all others, but not before those that were due earlier and wait there still: they alone have an eta.
  local due, full = {}, {}
  local function waits(name)
    local list = string.match(name, '^%d+')
    if full[list] == nil then
      local first = redis.call('LINDEX', KEYS[first_list + tonumber(list)], -1)
      full[list] = first and string.find(first, '"eta": ?"') ~= nil
    end
    return full[list]
  end
  local all = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 1)
  if #all == 0 then return end
  all = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, waits(all[1]) and 50 or 1000)
  for i = 1, #all do
    if not waits(all[i]) then due[#due + 1] = all[i] end
  end
  if #due == 0 then return end
  redis.call('ZREM', delayed, unpack(due))
  local found = redis.call('HMGET', texts, unpack(due))
  redis.call('HDEL', texts, unpack(due))
  for i = #due, 1, -1 do
    if found[i] then redis.call('RPUSH', KEYS[first_list + tonumber(string.match(due[i], '^%d+'))], found[i]) end
  end
end
"""

DELAY = """
local function delay(delayed, texts, due, wanted, text)
  local name, number = wanted, 0
  while redis.call('HSETNX', texts, name, text) == 0 do
    number = number + 1
    name = wanted .. '|' .. number
  end
  redis.call('ZADD', delayed, due, name)
end
"""
"""A task that is delayed twice has two names."""

NOW = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local function stamp(seconds) return string.format('%.6f', seconds) end
"""

FETCH = Script(
    NOW
    + PROMOTE
    + """
-- KEYS, for each queue: owners, delayed, its texts, held, its lists. ARGV: owner, lease, limit, share, lists a queue, tag prefix, first number.
-- Returns when the next delayed message is due ('' when something was found), then queue, list, messages, as often as it takes.
local owner, limit, share, lists = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local prefix, number = ARGV[6], tonumber(ARGV[7])
local size, found, ends = lists + 4, {''}, stamp(now + tonumber(ARGV[2]))
for round = 1, 2 do
  for base = 0, #KEYS - size, size do
    if round == 1 then promote(KEYS[base + 2], KEYS[base + 3], base + 5, stamp(now)) end
    local most = round == 1 and math.min(share, limit) or limit
    for list = 1, lists do
      if most > 0 then
        local got = redis.call('RPOP', KEYS[base + 4 + list], most)
        if got then
          local n = #got
          for from = 1, n, 1000 do
            local pairs_ = {}
            for i = from, math.min(from + 999, n) do
              local at = 2 * (i - from)
              pairs_[at + 1] = prefix .. number .. '.' .. (list - 1)
              pairs_[at + 2] = got[i]
              number = number + 1
            end
            redis.call('HSET', KEYS[base + 4], unpack(pairs_))
          end
          local at = #found
          found[at + 1], found[at + 2], found[at + 3] = base / size, list - 1, got
          most, limit = most - n, limit - n
        end
      end
    end
    if round == 1 then redis.call('ZADD', KEYS[base + 1], ends, owner) end
  end
  if limit <= 0 or #KEYS == size then break end
end
if #found == 1 then
  for base = 0, #KEYS - size, size do
    local first = redis.call('ZRANGE', KEYS[base + 2], 0, 0, 'WITHSCORES')
    if first[2] and (found[1] == '' or tonumber(first[2]) < tonumber(found[1])) then found[1] = first[2] end
  end
end
return found
"""
)

WRITE = Script(
    DELAY
    + """
-- A stream of operations; each takes its keys from KEYS and its arguments from ARGV, in order.
local key, arg, last, call = 0, 1, #ARGV, redis.call
local function final(result)
  local old = call('GET', result)
  if not old then return false end
  if string.find(string.sub(old, 1, 64), 'status.?.?.?.?.?.?.?.?.?.?SUCCESS') then return true end
  if string.find(old, '\\nstatus: SUCCESS\\n', 1, true) then return true end
  local said = call('GET', '{' .. result .. '}:about')
  return said and string.sub(said, 1, 8) == 'SUCCESS\\n'
end
local function store(result, ttl, text)
  local stored
  if ttl == '' then
    stored = call('SET', result, text, 'NX') or (not final(result) and call('SET', result, text))
  else
    stored = call('SET', result, text, 'PX', ttl, 'NX') or (not final(result) and call('SET', result, text, 'PX', ttl))
  end
  if stored then call('PUBLISH', result, text) end
  return stored
end
local function give_up(held, tag)
  local text = call('HGET', held, tag)
  if text then call('HDEL', held, tag) end
  return text
end
if ARGV[1] == 'R' or ARGV[1] == 'r' or ARGV[1] == 'S' or ARGV[1] == 'B' then redis.pcall('ZREM', KEYS[1], '') end
while arg <= last do
  local op = ARGV[arg]
  if op == 'P' or op == 'A' then
    -- push messages | acknowledge tags: count, then each
    local count, command = tonumber(ARGV[arg + 1]), op == 'P' and 'LPUSH' or 'HDEL'
    local from, to = arg + 2, arg + 1 + count
    for i = from, to, 3000 do call(command, KEYS[key + 1], unpack(ARGV, i, math.min(i + 2999, to))) end
    key, arg = key + 1, to + 1
  elseif op == 'R' then
    -- results: count, time to live, then each text
    local count, ttl = tonumber(ARGV[arg + 1]), ARGV[arg + 2]
    for i = 1, count do store(KEYS[key + i], ttl, ARGV[arg + 2 + i]) end
    key, arg = key + count, arg + 3 + count
  elseif op == 'r' then
    -- a result that does not say everything of itself: time to live, text, the rest; two keys
    local ttl = ARGV[arg + 1]
    if store(KEYS[key + 1], ttl, ARGV[arg + 2]) then
      if ttl == '' then call('SET', KEYS[key + 2], ARGV[arg + 3]) else call('SET', KEYS[key + 2], ARGV[arg + 3], 'PX', ttl) end
    end
    key, arg = key + 2, arg + 4
  elseif op == 'Z' then
    -- a message that is not due yet: due, name, text
    delay(KEYS[key + 1], KEYS[key + 2], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3])
    key, arg = key + 2, arg + 4
  elseif op == 'B' then
    -- what has begun and may not begin again: mark, tags
    call('HSET', KEYS[key + 1], ARGV[arg + 1], ARGV[arg + 2])
    key, arg = key + 1, arg + 3
  elseif op == 'E' then
    -- another message in the place of one that is held: tag, text
    if call('HEXISTS', KEYS[key + 1], ARGV[arg + 1]) == 1 then call('HSET', KEYS[key + 1], ARGV[arg + 1], ARGV[arg + 2]) end
    key, arg = key + 1, arg + 3
  elseif op == 'T' then
    -- what arrived while its owner waited gets its tag: tag, text
    if call('LREM', KEYS[key + 1], 1, ARGV[arg + 2]) == 1 then call('HSET', KEYS[key + 2], ARGV[arg + 1], ARGV[arg + 2]) end
    key, arg = key + 2, arg + 3
  elseif op == 'L' then
    -- acknowledge what arrived while its owner waited: tag, text
    if call('LREM', KEYS[key + 1], 1, ARGV[arg + 2]) == 0 then call('HDEL', KEYS[key + 2], ARGV[arg + 1]) end
    key, arg = key + 2, arg + 3
  elseif op == 'Q' then
    -- back to the head of a list: tag, new text or ''
    local text = give_up(KEYS[key + 1], ARGV[arg + 1])
    if text then call('RPUSH', KEYS[key + 2], ARGV[arg + 2] ~= '' and ARGV[arg + 2] or text) end
    key, arg = key + 2, arg + 3
  elseif op == 'D' then
    -- not before: tag, due, list, new text or ''; it is found again by the task's id that stands among the headers
    local text = give_up(KEYS[key + 1], ARGV[arg + 1])
    if text then
      if ARGV[arg + 4] ~= '' then text = ARGV[arg + 4] end
      local id = string.match(text, '[{,] ?"id": ?"([^"\\\\]+)"') or ARGV[arg + 1]
      delay(KEYS[key + 2], KEYS[key + 3], ARGV[arg + 2], ARGV[arg + 3] .. '|' .. id, text)
    end
    key, arg = key + 3, arg + 5
  elseif op == 'X' then
    -- set aside: tag, when, reason
    local text = give_up(KEYS[key + 1], ARGV[arg + 1])
    if text then
      call('ZADD', KEYS[key + 2], ARGV[arg + 2], ARGV[arg + 1])
      call('HSET', KEYS[key + 3], ARGV[arg + 1], text)
      call('HSET', KEYS[key + 4], ARGV[arg + 1], ARGV[arg + 3])
    end
    key, arg = key + 4, arg + 4
  elseif op == 'C' then
    -- a chord's body is on its way: seconds to remember it at most, chord; keys as ResultKeys.chord has them, and unless it is '' those that are due
    local most, left = tonumber(ARGV[arg + 1]) * 1000, call('PTTL', KEYS[key + 4])
    call('SET', KEYS[key + 5], 'done', 'PX', left > 0 and math.min(left, most) or most)
    call('DEL', KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], KEYS[key + 4], KEYS[key + 6])
    if ARGV[arg + 2] ~= '' then
      key = key + 1
      call('ZREM', KEYS[key + 6], ARGV[arg + 2])
    end
    key, arg = key + 6, arg + 3
  elseif op == 'S' then
    -- go on in another database
    call('SELECT', ARGV[arg + 1])
    arg = arg + 2
  elseif op == 'O' then
    -- only once, for a client: number, seconds to remember it
    if call('GET', KEYS[key + 1]) == ARGV[arg + 1] then return 0 end
    call('SET', KEYS[key + 1], ARGV[arg + 1], 'EX', ARGV[arg + 2])
    key, arg = key + 1, arg + 3
  elseif op == 'I' then
    -- only once, whoever repeats it because the answer did not arrive: number
    if call('GET', KEYS[key + 1]) == ARGV[arg + 1] then return 0 end
    call('DEL', KEYS[key + 1])
    call('SET', KEYS[key + 1], ARGV[arg + 1], 'EX', 3600)
    key, arg = key + 1, arg + 2
  else
    return redis.error_reply('ERR celeriac: unknown operation ' .. op)
  end
end
return 1
""",
    last=True,
)

PUSH = Script(
    """
-- One message of a client. KEYS: the list, what the client sent last. ARGV: message, number, seconds to remember it.
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('LPUSH', KEYS[1], ARGV[1])
""",
    last=True,
)

RESTORE_UNACKED = Script(
    """
-- KEYS: Celery's hash and index of messages in flight, the list. ARGV: tag, the latest time of delivery that counts as lost, new text.
local delivered = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not delivered or tonumber(delivered) > tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[3], ARGV[3])
return 1
"""
)

CARRY = Script(
    """
-- KEYS: where messages are (and the texts of what is delayed), lists. ARGV: how they are kept there (H hash, L list, Z sorted set), then for each:
-- name, list, new text.
-- What was held goes to the heads of the lists, what was delayed to their ends.
local remove, lists = ARGV[1] == 'H' and 'HDEL' or 'ZREM', 2
if ARGV[1] == 'Z' then lists = 3 end
for i = 2, #ARGV, 3 do
  local there
  if ARGV[1] == 'L' then there = redis.call('LREM', KEYS[1], 1, ARGV[i]) else there = redis.call(remove, KEYS[1], ARGV[i]) end
  if there == 1 then
    if ARGV[1] == 'Z' then redis.call('HDEL', KEYS[2], ARGV[i]) end
    redis.call(ARGV[1] == 'Z' and 'LPUSH' or 'RPUSH', KEYS[lists + tonumber(ARGV[i + 1])], ARGV[i + 2])
  end
end
"""
)

REPLAY = Script(
    """
-- KEYS: dead, texts, reasons, list. ARGV: id, new text ('' only forgets it).
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if ARGV[2] ~= '' then redis.call('LPUSH', KEYS[4], ARGV[2]) end
return 1
"""
)

PURGE = Script(
    """
-- KEYS: lists, then the delayed set and its texts. Returns how many messages were thrown away.
local count = redis.call('ZCARD', KEYS[#KEYS - 1])
for i = 1, #KEYS - 2 do count = count + redis.call('LLEN', KEYS[i]) end
redis.call('DEL', unpack(KEYS))
return count
"""
)

CANCEL = Script(
    """
-- KEYS: delayed, its texts. ARGV: names. Returns for each whether it was there.
local found = {}
for i = 1, #ARGV do
  found[i] = redis.call('ZREM', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return found
"""
)

ARM = Script(
    NOW
    + """
-- KEYS: idle, watchers, alone. ARGV: owner, seconds for which it counts, most watchers, bells. Returns whether it is to watch, and how many others
-- are idle. One that is alone does not say so when it goes to work, so it has to be told when it is alone no more.
local owner, ends = ARGV[1], stamp(now + tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', stamp(now))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', stamp(now))
redis.call('ZADD', KEYS[1], ends, owner)
local watches = redis.call('ZSCORE', KEYS[2], owner) or redis.call('ZCARD', KEYS[2]) < tonumber(ARGV[3])
if watches then redis.call('ZADD', KEYS[2], ends, owner) end
local others = redis.call('ZCARD', KEYS[1]) - 1
local alone = redis.call('GET', KEYS[3])
if others == 0 then
  redis.call('SET', KEYS[3], owner, 'EX', 3600)
elseif alone then
  redis.call('DEL', KEYS[3])
  if alone ~= owner then
    redis.call('INCR', ARGV[4] .. alone)
    redis.call('EXPIRE', ARGV[4] .. alone, 3600)
  end
end
return {watches and 1 or 0, others}
"""
)

LEAVE = Script(
    """
-- KEYS: idle, watchers, alone. ARGV: owner, bells. Rings for one that is idle and does not watch yet, so that it does.
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, 9)) do
  if not redis.call('ZSCORE', KEYS[2], other) then
    redis.call('INCR', ARGV[2] .. other)
    redis.call('EXPIRE', ARGV[2] .. other, 3600)
    return 1
  end
end
return 0
"""
)
