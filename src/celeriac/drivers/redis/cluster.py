"""Redis Cluster: the keys of a queue share a slot, so all that is done to it is done on one server; several queues are several scripts.

What waits for more than the lists of its first queue looks at the others every now and then: they live on other servers, which do not tell.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from celeriac.drivers.redis import errors, library
from celeriac.drivers.redis.address import Address
from celeriac.drivers.redis.connection import Command, Link
from celeriac.drivers.redis.errors import ServerError
from celeriac.drivers.redis.server import Script, Server
from celeriac.model.errors import ImproperlyConfigured, OperationalError

_TRIES = 5
_PAUSE = 0.1
_SLOTS = 16_384
_T = TypeVar("_T")
_KEYLESS = frozenset({"PING", "TIME", "PUBLISH", "CLIENT"})


class ClusterServer(Server):
    """All masters of a cluster behind the face of one server."""

    def __init__(self, address: Address) -> None:
        if address.db:
            raise ImproperlyConfigured(f"Redis Cluster has only database 0, and the URL names {address.db}")
        super().__init__(address)
        self._slot_of: Callable[[bytes], int] = library.redis_py("crc").key_slot
        self._map_lock = threading.Lock()
        self._nodes: dict[tuple[str, int], Server] = {}
        self._owner_of: list[Server] = []

    def slot(self, key: Any) -> int:
        return self._slot_of(key if isinstance(key, bytes) else str(key).encode())

    def together(self, queues: Sequence[str]) -> Sequence[Sequence[str]]:
        return [[queue] for queue in queues]

    def at(self, key: Any) -> Server:
        return self._owners()[self.slot(key)]

    def link(self, key: Any = None) -> Link:
        def connect() -> Link:
            node = self._owners()[0] if key is None else self.at(key)
            return node.link()

        return self._patiently(connect)

    def run(self, commands: Sequence[Command]) -> list[Any]:
        return self._patiently(lambda: self._run(commands))

    def call(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        return self._patiently(lambda: self.at(keys[0]).call(script, keys, arguments))

    def call_many(self, script: Script, calls: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> None:
        by_node: dict[int, list[tuple[Sequence[Any], Sequence[Any]]]] = {}
        for one in calls:
            by_node.setdefault(id(self.at(one[0][0])), []).append(one)
        for those in by_node.values():
            # Together they are a matter of one round trip; one whose slot has moved away is sent by itself.
            try:
                node = self.at(those[0][0][0])
                run = node.run_lastingly if script.last and self.address.replicas else node.run
                run([("EVALSHA", script.digest, len(keys), *keys, *arguments) for keys, arguments in those])
            except (OperationalError, ImproperlyConfigured) as error:
                if not _moved(error) and _code(error) != "NOSCRIPT":
                    raise
                for keys, arguments in those:
                    self.call(script, keys, arguments)

    def get_many(self, keys: Sequence[Any]) -> list[Any]:
        return self.run([("GET", key) for key in keys])

    def close(self) -> None:
        for node in list(self._nodes.values()):
            node.close()

    # where things are

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        nodes = [self._node_of(command) for command in commands]
        replies: list[Any] = [None] * len(commands)
        for node in {id(one): one for one in nodes}.values():
            places = [at for at, one in enumerate(nodes) if one is node]
            for at, reply in zip(places, node.run([commands[at] for at in places])):
                replies[at] = reply
        return replies

    def _node_of(self, command: Command) -> Server:
        if command[0] in ("MULTI", "EXEC"):
            raise OperationalError("A transaction in a cluster has to be a script")
        return self._owners()[0 if command[0] in _KEYLESS else self.slot(command[1])]

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do something; when slots have moved or a server is gone, learn where things are now and do it again."""
        attempt = 0
        while True:
            try:
                return act()
            except (OperationalError, ImproperlyConfigured) as error:
                self.troubles += 1
                self._owner_of = []
                attempt += 1
                # Only what was surely not carried out is done again.
                if attempt == _TRIES or not _moved(error):
                    raise
                time.sleep(_PAUSE * (attempt - 1))

    def _owners(self) -> list[Server]:
        owners = self._owner_of
        if not owners:
            with self._map_lock:
                owners = self._owner_of
                if not owners:
                    owners = self._owner_of = self._learn()
        return owners

    def _learn(self) -> list[Server]:
        """Ask any server that answers which one has which slot."""
        failed: Exception | None = None
        for host, port in [*self.address.hosts, *self._nodes]:
            node = self._nodes.get((host, port)) or Server(self.address.replace(hosts=((host, port),), cluster=False))
            try:
                rows = node.one("CLUSTER", "SLOTS")
            except OperationalError as error:
                failed = error
                continue
            return self._assign(rows, host)
        raise failed or OperationalError(f"No server of the cluster at {self.where} answers")

    def _assign(self, rows: list[Any], asked: str) -> list[Server]:
        found: list[Server | None] = [None] * _SLOTS
        for first, last, master, *_ in rows:
            place = (master[0].decode() or asked, int(master[1]))
            node = self._nodes.get(place)
            if node is None:
                node = self._nodes[place] = Server(self.address.replace(hosts=(place,), cluster=False))
            found[first : last + 1] = [node] * (last + 1 - first)
        whole = [node for node in found if node is not None]
        if len(whole) != _SLOTS:
            raise errors.of_reply(ServerError("CLUSTERDOWN not all slots are served"), self.where)
        return whole


def _code(error: Exception) -> str:
    return error.__cause__.code if isinstance(error.__cause__, ServerError) else ""


def _moved(error: Exception) -> bool:
    return _code(error) in ("MOVED", "ASK", "TRYAGAIN", "READONLY", "LOADING", "CLUSTERDOWN") or "cannot be reached" in str(error)
