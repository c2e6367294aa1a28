"""Which queues a message goes to: the four kinds of exchanges (AMQP 0-9-1, section 3.1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from celeriac.model.topology import Binding


@lru_cache(maxsize=4096)
def matches(pattern: str, routing_key: str) -> bool:
    """Tell whether a topic pattern matches: words are parted by dots, ``*`` stands for one word, ``#`` for any number of them."""
    if pattern in ("#", routing_key):
        return True
    return _match(pattern.split("."), routing_key.split(".") if routing_key else [])


def queues_for(bindings: Iterable[tuple[str, Binding]], routing_key: str, headers: Mapping[str, Any] | None = None) -> list[str]:
    """Return the queues (each once, in order) that an exchange hands a message to; ``bindings`` are pairs of a queue's name and a binding of it."""
    found: dict[str, None] = {}
    for queue, binding in bindings:
        if queue not in found and _takes(binding, routing_key, headers or {}):
            found[queue] = None
    return list(found)


def _takes(binding: Binding, routing_key: str, headers: Mapping[str, Any]) -> bool:
    match binding.exchange.type:
        case "fanout":
            return True
        case "topic":
            return matches(binding.routing_key, routing_key)
        case "headers":
            return _headers_match(binding.arguments, headers)
        case _:
            return binding.routing_key == routing_key


def _headers_match(arguments: Mapping[str, Any], headers: Mapping[str, Any]) -> bool:
    mode = arguments.get("x-match", "all")
    if mode.endswith("-with-x"):
        wanted = [(name, value) for name, value in arguments.items() if name != "x-match"]
    else:
        wanted = [(name, value) for name, value in arguments.items() if not name.startswith("x-")]
    answers = [name in headers and (value is None or headers[name] == value) for name, value in wanted]
    return any(answers) if mode.startswith("any") else all(answers)


def _match(pattern: list[str], words: list[str]) -> bool:
    """Match as a glob: on a mismatch only the last ``#`` takes one word more, so it takes at most len(pattern) * len(words) steps."""
    at, word, last_hash, resume = 0, 0, -1, 0
    while word < len(words):
        if at < len(pattern) and pattern[at] == "#":
            last_hash, resume = at, word
            at += 1
        elif at < len(pattern) and pattern[at] in ("*", words[word]):
            at, word = at + 1, word + 1
        elif last_hash >= 0:
            resume += 1
            at, word = last_hash + 1, resume
        else:
            return False
    return all(rest == "#" for rest in pattern[at:])
