"""What all workers of one store know together: which tasks were revoked, and how many have started."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from celeriac.drivers.redis.server import Script, Server

_EARLY = 0.0005
"""Seconds by which a start may come before its time."""

_PORTION = 100_000
"""Marks in one script."""

_NOW = """
local t, call = redis.call('TIME'), redis.call
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local function stamp(seconds) return string.format('%.6f', seconds) end
"""

_FORGET = """
local function forget()
  while true do
    local old = call('ZRANGEBYSCORE', KEYS[2], '-inf', stamp(now), 'LIMIT', 0, 3000)
    if #old == 0 then return end
    call('ZREM', KEYS[1], unpack(old))
    call('ZREM', KEYS[2], unpack(old))
  end
end
"""

START = Script(
    _NOW
    + """
-- KEYS: when the next start may be. ARGV: space, slack, how much too early is in time. Returns the seconds to wait, '' when it was taken.
-- What takes away comes first, so that a server whose memory is full lets workers go on (see scripts).
local next_ = tonumber(call('GET', KEYS[1]) or 0)
if next_ > now + tonumber(ARGV[3]) then return stamp(next_ - now) end
next_ = math.max(next_, now - tonumber(ARGV[2])) + tonumber(ARGV[1])
call('DEL', KEYS[1])
call('SET', KEYS[1], stamp(next_), 'PX', math.ceil((math.max(0, next_ - now) + 1) * 1000))
return ''
"""
)

REMEMBER = Script(
    _NOW
    + _FORGET
    + """
-- KEYS: marks by when they were made, by when they end. ARGV: seconds to keep them, then the marks.
forget()
local kept = tonumber(ARGV[1])
local ends = stamp(now + kept)
for from = 2, #ARGV, 3000 do
  local made, ending = {}, {}
  for i = from, math.min(from + 2999, #ARGV) do
    local at = 2 * (i - from)
    made[at + 1], made[at + 2], ending[at + 1], ending[at + 2] = stamp(now), ARGV[i], ends, ARGV[i]
  end
  call('ZADD', KEYS[1], unpack(made))
  call('ZADD', KEYS[2], unpack(ending))
end
local life = math.ceil(kept * 1000)
for i = 1, 2 do if call('PTTL', KEYS[i]) < life then call('PEXPIRE', KEYS[i], life) end end
"""
)

SINCE = Script(
    _NOW
    + _FORGET
    + """
-- KEYS as REMEMBER has them. ARGV: the earliest moment, not included. Returns marks and moments.
forget()
return call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES')
"""
)


class Fleet:
    """The common knowledge in one database; ``own`` is how the keys of this library begin there."""

    def __init__(self, server: Server, own: str) -> None:
        self._server = server
        self._own = own
        self._revoked = (f"{own}{{revoked}}:made", f"{own}{{revoked}}:ends")

    def remember_revoked(self, marks: Collection[str], kept: float) -> None:
        """Keep marks for so many seconds."""
        every = list(marks)
        for at in range(0, len(every), _PORTION):
            self._server.call(REMEMBER, self._revoked, (kept, *every[at : at + _PORTION]))

    def revoked_since(self, after: float) -> Sequence[tuple[str, float]]:
        """Return the marks that were made later than that (by the server's clock), and when."""
        # Nearly always there is nothing: that is asked without a script.
        if not self._server.one("ZRANGEBYSCORE", self._revoked[0], f"({after:.6f}", "+inf", "LIMIT", 0, 1):
            return []
        rows = self._server.call(SINCE, self._revoked, (f"{after:.6f}",))
        return [(mark.decode("utf-8", "surrogateescape"), float(when)) for mark, when in zip(rows[::2], rows[1::2])]

    def start(self, key: str, space: float, slack: float) -> float | None:
        """Take a start; the server's clock decides, what is returned is by the one here."""
        place = f"{self._own}rate:{key}"
        wait = self._server.call(START, (place,), (repr(space), repr(slack), _EARLY))
        return time.time() + float(wait) if wait else None
