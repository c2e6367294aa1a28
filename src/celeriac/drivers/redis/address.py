"""Where a Redis is and how to speak to it: URL and transport options, taken together."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import Url, parse
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured

PORT = 6379
SENTINEL_PORT = 26379
CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 5.0
CONNECTIONS = 2
"""Command connections a process opens at most; with the one that waits and the one that listens an idle worker has four."""

_TLS = (
    *("ssl_keyfile", "ssl_certfile", "ssl_password", "ssl_ca_certs", "ssl_ca_path", "ssl_ca_data"),
    *("ssl_check_hostname", "ssl_min_version", "ssl_ciphers"),
)
_CERT_REQS = {
    "required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE,
    "cert_required": ssl.CERT_REQUIRED, "cert_optional": ssl.CERT_OPTIONAL, "cert_none": ssl.CERT_NONE,
}  # fmt: skip


class Address(Value, frozen=True):
    """One server (or those that stand in for it), a database on it, and how connections are made. Hashable by its text form ``name``."""

    hosts: tuple[tuple[str, int], ...] = ()
    """Tried in this order; for Sentinel those of the sentinels."""
    path: str = ""
    """A unix socket instead of hosts."""
    db: int = 0
    user: str | None = None
    password: str | None = None
    master: str = ""
    """The name by which Sentinel knows the master."""
    sentinel: dict[str, Any] = {}
    """Arguments for the connections to sentinels."""
    cluster: bool = False
    tls: dict[str, Any] | None = None
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT
    client_name: str | None = None
    connections: int = CONNECTIONS
    """Command connections at most; 0 for as many as are asked for."""
    keepalive: bool = True
    keepalive_options: dict[int, int] = {}
    checked_after: float = 0.0
    """A connection that was idle for longer (seconds) is asked whether it lives before it is used; 0: only whether it has ended."""
    again: bool = False
    """Whether results are asked for and stored once more when the server did not answer in time."""
    credentials: Any = None
    """A credential provider of redis-py, asked at every login."""
    other_sentinels: int = 0
    """How many other sentinels a sentinel has to know to be believed."""
    patience: float = 0.0
    """For how long (seconds) who waits for a result goes on while the server cannot be reached; 0: as long as usual."""
    replicas: int = 0
    """So many replicas have to have what is written before it counts as written."""

    @property
    def where(self) -> str:
        """How messages for people name it; no password."""
        if self.path:
            return f"{self.path} (db {self.db})"
        hosts = ", ".join(f"{host}:{port}" for host, port in self.hosts)
        return f"{hosts} (Sentinel, master {self.master!r}, db {self.db})" if self.master else f"{hosts} (db {self.db})"

    @property
    def place(self) -> tuple[Any, ...]:
        """What two addresses have in common that lead to the same server with the same rights, whichever database they use."""
        return (self.hosts, self.path, self.user, self.password, self.master, self.cluster, repr(self.credentials))


def address_of(url: Url, options: Mapping[str, Any] = {}) -> Address:
    """Return the address that a URL and the transport options name; raises ImproperlyConfigured."""
    given = {**url.query, **options}
    instead: Mapping[str, Any] = given.get("where_unsaid") or {}
    sentinel = url.scheme == "sentinel"
    if sentinel and not given.get("master_name"):
        raise ImproperlyConfigured(
            "A sentinel:// URL needs the name of its master: broker_transport_options = {'master_name': 'mymaster'}, "
            "and the same in result_backend_transport_options"
        )
    by_socket = url.transport == "socket" or url.scheme in ("unix", "redis+socket")
    cluster = url.transport == "cluster" or _flag(given.get("cluster"))
    return Address(
        hosts=() if by_socket else _hosts(url, given, instead, SENTINEL_PORT if sentinel else PORT),
        path=url.path if by_socket else "",
        db=_db(url, given, instead, by_socket),
        user=url.user or given.get("username") or instead.get("username") or None,
        password=url.password or given.get("password") or instead.get("password") or None,
        master=str(given["master_name"]) if sentinel else "",
        sentinel=dict(given.get("sentinel_kwargs") or {}),
        cluster=cluster,
        tls=_tls(url, given),
        connect_timeout=_seconds(given, "socket_connect_timeout", CONNECT_TIMEOUT),
        read_timeout=_seconds(given, "socket_timeout", READ_TIMEOUT),
        client_name=given.get("client_name"),
        connections=_connections(given),
        keepalive=_flag(given.get("socket_keepalive", True)),
        keepalive_options=dict(given.get("socket_keepalive_options") or {}),
        checked_after=_seconds(given, "health_check_interval", 0.0),
        again=_flag(given.get("retry_on_timeout")),
        credentials=_credentials(given.get("credential_provider")),
        other_sentinels=int(given.get("min_other_sentinels") or 0),
        patience=_seconds(given.get("retry_policy") or {}, "timeout", 0.0),
        replicas=_replicas(given.get("wait_replicas")),
    )


def _connections(given: Mapping[str, Any]) -> int:
    """Two will do for any number of threads, so a limit matters only when it is none, or another number was meant."""
    most = given.get("connections", given.get("max_connections", CONNECTIONS))
    if most in (None, "", 0, "0"):
        return 0
    try:
        return max(CONNECTIONS, int(most))
    except ValueError:
        raise ImproperlyConfigured(f"The limit of connections to Redis is {most!r} and no number (broker_pool_limit, max_connections)") from None


def _replicas(wanted: Any) -> int:
    try:
        found = int(wanted or 0)
    except (TypeError, ValueError):
        found = -1
    if found < 0:
        raise ImproperlyConfigured(f"wait_replicas is a number of replicas, not {wanted!r}")
    return found


def _credentials(named: Any) -> Any:
    """Return a credential provider: it is given, or its class, or where that is to be found."""
    if not named:
        return None
    try:
        found = symbol_by_name(named) if isinstance(named, str) else named
        found = found() if isinstance(found, type) else found
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(f"The credential provider {named!r} cannot be had: {error}") from error
    if not hasattr(found, "get_credentials"):
        raise ImproperlyConfigured(f"{named!r} is no credential provider: it has no get_credentials (see redis.credentials.CredentialProvider)")
    return found


def _hosts(url: Url, given: Mapping[str, Any], instead: Mapping[str, Any], port: int) -> tuple[tuple[str, int], ...]:
    named: Sequence[Any] = given.get("sentinels") or ()
    if named:
        return tuple((str(host), int(number)) for host, number in named)
    found = [(url.host or instead.get("host") or "localhost", url.port or instead.get("port") or port)]
    for text in url.others:
        other = parse(text if "://" in text else f"{url.scheme}://{text}")
        found.append((other.host or "localhost", other.port or port))
    return tuple(found)


def _db(url: Url, given: Mapping[str, Any], instead: Mapping[str, Any], by_socket: bool) -> int:
    text = given.get("virtual_host") or given.get("db") or ""
    if not text and not by_socket:
        # With several hosts the database stands at the end, behind the last of them.
        last = parse(url.others[-1] if "://" in url.others[-1] else f"{url.scheme}://{url.others[-1]}") if url.others else url
        text = (url.path or last.path).strip("/")
    if text == "":
        text = instead.get("db") or ""
    try:
        return int(str(text).strip("/") or 0)
    except ValueError:
        raise ImproperlyConfigured(f"The database of a Redis URL is a number, not {text!r}: redis://host:6379/0") from None


def _tls(url: Url, given: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted = given.get("ssl") or given.get("use_ssl")
    if url.scheme not in ("rediss", "valkeys") and not wanted:
        return None
    # What Celery's users write for AMQP (ca_certs, keyfile, cert_reqs) means the same here.
    wanted = {name if name.startswith("ssl_") else f"ssl_{name}": what for name, what in wanted.items()} if isinstance(wanted, Mapping) else {}
    unknown = sorted(set(wanted) - {*_TLS, "ssl_cert_reqs"})
    if unknown:
        raise ImproperlyConfigured(f"Unknown TLS option {unknown[0]!r}: known are ssl_cert_reqs, {', '.join(_TLS)}")
    named = {**given, **wanted}
    found = {name: named[name] for name in _TLS if named.get(name) is not None}
    if isinstance(found.get("ssl_check_hostname"), str):
        found["ssl_check_hostname"] = _flag(found["ssl_check_hostname"])
    reqs = named.get("ssl_cert_reqs")
    reqs = "required" if reqs is None else reqs
    if isinstance(reqs, str):
        if reqs.lower() not in _CERT_REQS:
            raise ImproperlyConfigured(f"ssl_cert_reqs is required, optional or none, not {reqs!r}")
        reqs = _CERT_REQS[reqs.lower()]
    found["ssl_cert_reqs"] = reqs
    if reqs == ssl.CERT_NONE:
        found.setdefault("ssl_check_hostname", False)
    return found


def _seconds(given: Mapping[str, Any], name: str, default: float) -> float:
    found = given.get(name)
    return default if found in (None, "") else float(found)


def _flag(found: Any) -> bool:
    return str(found).lower() in ("1", "true", "yes", "on") if found is not None else False
