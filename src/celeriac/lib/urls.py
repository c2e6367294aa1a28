"""Broker and result store URLs."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from celeriac.lib.value import Value


class Url(Value, frozen=True):
    """A URL taken apart; ``scheme`` is lower case, ``transport`` the part behind a ``+`` in it."""

    scheme: str
    transport: str = ""
    user: str | None = None
    password: str | None = None
    host: str | None = None
    port: int | None = None
    path: str = ""
    query: dict[str, str] = {}
    others: tuple[str, ...] = ()
    """Of several hosts (``sentinel://a;b;sentinel://c``), those behind the first."""


def parse(url: str) -> Url:
    """Take a URL apart; a bare word such as ``rpc`` is a scheme."""
    if "://" not in url:
        url = f"{url}://"
    url, *others = _hosts(url)
    parts = urlsplit(url)
    scheme, _, transport = parts.scheme.lower().partition("+")
    return Url(
        scheme=scheme,
        transport=transport,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        host=parts.hostname,
        port=parts.port,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query)),
        others=tuple(others),
    )


def _hosts(url: str) -> list[str]:
    """Sentinels are named all at once, separated by semicolons; in other URLs a semicolon may be part of a path."""
    return [part.strip() for part in url.split(";") if part.strip()] if url.lower().startswith("sentinel") else [url]


@lru_cache(maxsize=64)
def censor(url: str) -> str:
    """Return the URL with its password hidden, for logs and banners."""
    hosts = _hosts(url)
    if len(hosts) > 1:
        return ";".join(map(censor, hosts))
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:**@{host}").geturl()
