"""Where a RabbitMQ is and how to speak to it: URL and transport options, taken together."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from celeriac.lib.urls import Url
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured

PORT, TLS_PORT = 5672, 5671
CONNECT_TIMEOUT = 4.0
PUBLISH_TIMEOUT = 10.0
HEARTBEAT = 20.0
"""Seconds; a peer that is silent for twice as long is taken for dead."""

_CERT_REQS = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
_TLS = frozenset({"ca_certs", "certfile", "keyfile", "keyfile_password", "password", "cert_reqs", "server_hostname", "ciphers", "check_hostname"})
_DELAYED_TYPES = ("classic", "quorum")


class Address(Value, frozen=True):
    """One server and virtual host, and how connections are made."""

    host: str = "localhost"
    port: int = PORT
    vhost: str = "/"
    user: str = "guest"
    password: str = "guest"
    mechanism: str = "PLAIN"
    tls: dict[str, Any] | None = None
    connect_timeout: float = CONNECT_TIMEOUT
    publish_timeout: float = PUBLISH_TIMEOUT
    heartbeat: float = HEARTBEAT
    confirm: bool = True
    delayed_type: str = "quorum"
    """The type of the queues of Celery's native delayed delivery."""
    prefix: str = ""
    """Put before the names of those queues and exchanges (transport option ``queue_prefix``)."""

    @property
    def where(self) -> str:
        """How messages for people name it; no password."""
        return f"{self.host}:{self.port} (virtual host {self.vhost!r})"


def address_of(url: Url, options: Mapping[str, Any] = {}) -> Address:
    """Return the address that a URL and the transport options name; raises ImproperlyConfigured."""
    given = {**options, **url.query}
    tls = _tls(url, given)
    delayed = str(given.get("native_delayed_delivery_queue_type") or "quorum")
    if delayed not in _DELAYED_TYPES:
        raise ImproperlyConfigured(f"Queues for delayed delivery are classic or quorum, not {delayed!r}")
    return Address(
        host=url.host or "localhost",
        port=url.port or (TLS_PORT if tls is not None else PORT),
        vhost=_vhost(url, given),
        user=url.user or given.get("userid") or "guest",
        password=url.password or given.get("password") or "guest",
        mechanism=_mechanism(given.get("login_method")),
        tls=tls,
        connect_timeout=_seconds(given, "connect_timeout", CONNECT_TIMEOUT),
        publish_timeout=_seconds(given, "publish_timeout", PUBLISH_TIMEOUT),
        heartbeat=_seconds(given, "heartbeat", HEARTBEAT),
        confirm=str(given.get("confirm_publish", True)).lower() not in ("0", "false", "no", "off"),
        delayed_type=delayed,
        prefix=str(given.get("queue_prefix") or ""),
    )


def _vhost(url: Url, given: Mapping[str, Any]) -> str:
    # amqp://host and amqp://host/ mean the default one, amqp://host//name the one that is called "/name".
    named = url.path[1:]
    return named or str(given.get("virtual_host") or given.get("vhost") or "/")


def _mechanism(found: Any) -> str:
    text = str(found or "PLAIN").upper()
    if text not in ("PLAIN", "AMQPLAIN", "EXTERNAL"):
        raise ImproperlyConfigured(f"broker_login_method is PLAIN, AMQPLAIN or EXTERNAL, not {found!r}")
    return text


def _tls(url: Url, given: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted = given.get("ssl")
    if url.scheme != "amqps" and not wanted:
        return None
    named = {**given, **wanted} if isinstance(wanted, Mapping) else given
    plain = {name.removeprefix("ssl_"): value for name, value in named.items()}
    found = {name: plain[name] for name in _TLS if plain.get(name) is not None}
    reqs = found.get("cert_reqs", "required")
    if isinstance(reqs, str):
        name = reqs.lower().removeprefix("cert_")
        if name not in _CERT_REQS:
            raise ImproperlyConfigured(f"cert_reqs is required, optional or none, not {reqs!r}")
        reqs = _CERT_REQS[name]
    found["cert_reqs"] = ssl.VerifyMode(int(reqs))
    return found


def tls_context(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Return the TLS settings of a connection; raises ImproperlyConfigured when a file cannot be used."""
    context = ssl.create_default_context()
    reqs = options["cert_reqs"]
    context.check_hostname = reqs == ssl.CERT_REQUIRED and options.get("check_hostname", True) not in (False, "false", "0")
    context.verify_mode = reqs
    try:
        if options.get("ca_certs"):
            context.load_verify_locations(options["ca_certs"])
        if options.get("certfile"):
            context.load_cert_chain(options["certfile"], options.get("keyfile"), options.get("keyfile_password") or options.get("password"))
        if options.get("ciphers"):
            context.set_ciphers(options["ciphers"])
    except (OSError, ssl.SSLError) as error:
        raise ImproperlyConfigured(f"The TLS options of RabbitMQ name something that cannot be used: {error} ({dict(options)})") from error
    return context


def _seconds(given: Mapping[str, Any], name: str, default: float) -> float:
    found = given.get(name)
    return default if found in (None, "") else max(0.0, float(found))
