"""Which nodes ``celery multi`` means, and the command of each: names, ranges, and options for some of them (``-c:1-3 10``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import click

from celeriac.lib.nodenames import DEFAULT, host_format, node_format, nodesplit
from celeriac.lib.value import Value

OWN = ("--range-prefix", "--hostname", "-n", "--cmd", "--append", "--executable", "--verbose", "--quiet", "-q", "--nosplash", "--no-color", "-C")
"""Options of multi itself; all others are the workers'."""
_OWN_FLAGS = ("--verbose", "--quiet", "-q", "--nosplash", "--no-color", "-C")


class Words(Value, frozen=True):
    """The words of a command line: names, options for all nodes, options for some, those of multi, and what stands behind ``--``."""

    names: tuple[str, ...]
    options: tuple[tuple[str, str | None], ...]
    some: tuple[tuple[str, str, str | None], ...]
    own: dict[str, str]
    signal: str | None
    rest: tuple[str, ...]


class Node(Value, frozen=True):
    """A worker: its whole name, the options of its command, and where its pid is written."""

    name: str
    options: tuple[tuple[str, str | None], ...]

    def option(self, *flags: str) -> str | None:
        """Return the value of an option; the last one counts."""
        return next((value for flag, value in reversed(self.options) if flag in flags), None)

    @property
    def pidfile(self) -> str:
        """The path of the pid file."""
        return node_format(self.option("--pidfile") or "", self.name)

    def words(self) -> list[str]:
        """Return the options as words of a command line."""
        found: list[str] = []
        for flag, value in self.options:
            found += [flag] if value is None else [f"{flag}={value}"] if flag.startswith("--") else [flag, value]
        return found


def split(arguments: Sequence[str], flags: Collection[str], signals: Collection[str]) -> Words:
    """Sort words; ``flags`` are the options that take no value, ``signals`` the words that name one (``-TERM``, ``-9``)."""
    names: list[str] = []
    options: list[tuple[str, str | None]] = []
    some: list[tuple[str, str, str | None]] = []
    own: dict[str, str] = {}
    sent = None
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if not word.startswith("-"):
            names.append(word)
        elif word in signals:
            sent = word.lstrip("-")
        else:
            flag, value = _option(word, words, flags)
            plain, colon, which = flag.partition(":")
            if plain in OWN and not colon:
                own[plain] = value or ""
            elif colon:
                some.append((which, plain, value))
            else:
                options.append((flag, value))
    return Words(tuple(names), tuple(options), tuple(some), own, sent, tuple(words))


def _option(word: str, words: list[str], flags: Collection[str]) -> tuple[str, str | None]:
    flag, equals, value = word.partition("=")
    if word.startswith("--") and equals:
        return flag, value
    plain = word.partition(":")[0]
    if plain in flags or plain in _OWN_FLAGS:
        return word, None
    if not word.startswith("--") and len(plain) > 2:
        # -c3 and -linfo, as getopt has them.
        return word[:2], word[2:]
    if not words:
        raise click.UsageError(f"multi: the option {word} needs a value")
    return word, words.pop(0)


def nodes_of(words: Words, defaults: Iterable[tuple[str, str]]) -> list[Node]:
    """Return the nodes that are named: ``3`` is celery1 to celery3; what a node is not told comes from the defaults (option, value)."""
    host = words.own.get("--hostname", words.own.get("-n"))
    prefix = words.own.get("--range-prefix", DEFAULT)
    names = [f"{prefix}{number}" for number in range(1, int(words.names[0]) + 1)] if _is_count(words.names) else list(words.names)
    whole = [_whole(name, host) for name in names]
    chosen = [(_chosen(which, whole), flag, value) for which, flag, value in words.some]
    made = []
    for name in whole:
        own = [(flag, value) for members, flag, value in chosen if name in members]
        general = [(flag, value) for flag, value in words.options if flag not in {flag for flag, _ in own}]
        given = [*general, *own]
        told = {flag for flag, _ in given}
        unsaid = [(flag, value) for flag, value in defaults if flag not in told and (flag != "--logfile" or "-f" not in told)]
        made.append(Node(name, (*given, ("-n", name), *unsaid)))
    return made


def _is_count(names: Sequence[str]) -> bool:
    return len(names) == 1 and names[0].isdigit()


def _whole(name: str, host: str | None) -> str:
    node, own = nodesplit(name)
    filled = host_format(own if node is not None else host or "%h")
    return f"{name if node is None else node}@{filled}"


def _chosen(which: str, names: Sequence[str]) -> set[str]:
    """Return the nodes that a list such as ``1-3,5,image`` means: numbers count from 1."""
    found: set[str] = set()
    for part in which.split(","):
        first, dash, last = part.partition("-")
        if first.isdigit() and (not dash or last.isdigit()):
            found.update(names[int(first) - 1 : int(last or first)])
        else:
            found.update(name for name in names if part in (name, nodesplit(name)[0]))
    return found
