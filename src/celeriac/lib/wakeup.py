"""Doorbells: how processes that share a folder wake each other, at once and without polling.

A *bell* is a named pipe that one waiting thread reads. Before it waits it puts its name up at *places* (folders, one entry a key);
whoever has news for a place takes entries down and rings those bells. Taking an entry down is an ``unlink``, which succeeds for
exactly one process: so one piece of news wakes one sleeper however many there are, and nobody is woken while it is not waiting.

A wake-up is never missed by those who put their name up *first* and look for news *then*. A bell may be rung for nothing, and one whose
process died stays silent; both are harmless to those who look again now and then (``POLL`` seconds).
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import sys
from collections.abc import Callable, Collection, Iterable

from celeriac.lib.polling import READABLE, new_poll

POLL = 0.25
"""Seconds after which to look again although no bell rang."""
POLL_WITHOUT_BELLS = 0.005
"""The same where bells cannot be had (a file system without named pipes)."""

ANY = "any"
"""The key of those who want every piece of news of a place."""


class Doorbells:
    """The bells in one folder. ``mode`` are the permissions of what is created there (execute bits are added for folders)."""

    def __init__(self, folder: str, *, mode: int = 0o600) -> None:
        self.folder = folder
        self.mode = mode
        self._usable: bool | None = None

    def bell(self) -> "Bell | None":
        """Hang up a new bell; None when this folder cannot have any."""
        name = f"{os.getpid()}-{os.urandom(4).hex()}"
        path = os.path.join(self.folder, name)
        try:
            self.make_folder(self.folder)
            os.mkfifo(path)
            os.chmod(path, self.mode)
            return Bell(self, name, os.open(path, os.O_RDWR | os.O_NONBLOCK))
        except (OSError, AttributeError):
            return None  # Windows has no mkfifo

    def make_folder(self, path: str) -> None:
        """Create a folder with the right permissions, unless it is there."""
        try:
            os.mkdir(path)
        except FileExistsError:
            return
        os.chmod(path, self.mode | (self.mode & 0o444) >> 2)

    def ring_one(self, place: str) -> bool:
        """Wake one of those who wait at a place; return whether somebody was there."""
        entries = self._entries(place)
        while entries:
            entry = entries.pop(random.randrange(len(entries)))
            if self._take_down(place, entry) and self._ring(entry):
                return True
        return False

    def ring(self, place: str, keys: Collection[str]) -> None:
        """Wake everybody who waits at a place for one of these keys, or for any."""
        rung: set[str] = set()
        for entry in self._entries(place):
            key, _, name = entry.partition("~")
            if (key == ANY or key in keys) and name not in rung:
                rung.add(name)
                if self._take_down(place, entry):
                    self._ring(entry)

    def ring_all(self, place: str) -> None:
        """Wake everybody at a place and leave their names up: for those who stay there whether they wait or not."""
        for entry in self._entries(place):
            if not self._ring(entry):
                self._take_down(place, entry)

    def usable(self) -> bool:
        """Say whether this folder can have bells; found out once."""
        if self._usable is None:
            bell = self.bell()
            self._usable = bell is not None
            if bell is not None:
                bell.close()
        return self._usable

    def waiting(self, place: str) -> bool:
        """Say whether anybody waits at a place."""
        return bool(self._entries(place))

    def _entries(self, place: str) -> list[str]:
        try:
            return os.listdir(f"{self.folder}/{place}")
        except OSError:
            return []

    def _take_down(self, place: str, entry: str) -> bool:
        try:
            os.unlink(f"{self.folder}/{place}/{entry}")
        except OSError:
            return False
        return True

    def _ring(self, entry: str) -> bool:
        path = f"{self.folder}/{entry.partition('~')[2]}"
        try:
            pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ENXIO:
                # Nobody reads it any more: its process was killed before it could take its bell down.
                with contextlib.suppress(OSError):
                    os.unlink(path)
            return False
        try:
            os.write(pipe, b"!")
        except BlockingIOError:
            pass  # full of rings already
        except OSError:
            return False
        finally:
            os.close(pipe)
        return True


def readable(descriptor: int, timeout: float) -> bool:
    """Wait up to ``timeout`` seconds until there is something to read."""
    poll = new_poll()
    poll.register(descriptor, READABLE)
    return bool(poll.poll(timeout * 1000))


class Bell:
    """One bell; a single thread waits for it, any thread may ring it."""

    def __init__(self, bells: Doorbells, name: str, pipe: int) -> None:
        self._bells = bells
        self._name = name
        self._pipe = pipe
        self._armed: set[str] = set()
        self._closed = False
        self._pid = os.getpid()

    def __del__(self, _finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # A child that inherited a bell must not take its parent's down; and at the interpreter's end the modules that closing needs are gone.
        if not _finalizing() and self._pid == os.getpid():
            self.close()

    def arm(self, place: str, keys: Iterable[str] = (ANY,)) -> bool:
        """Put this bell's name up at a place, once for each key; False when it cannot be: the folder was removed, hang up a new bell."""
        source = f"{self._bells.folder}/{self._name}"
        for key in keys:
            entry = f"{self._bells.folder}/{place}/{key}~{self._name}"
            try:
                self._put_up(source, entry)
            except FileExistsError:
                continue
            except OSError:
                return False
            self._armed.add(entry)
        return True

    def _put_up(self, source: str, entry: str) -> None:
        try:
            os.link(source, entry)
        except FileNotFoundError:
            self._bells.make_folder(os.path.dirname(entry))
            os.link(source, entry)

    def disarm(self) -> None:
        """Take the name down everywhere."""
        for entry in self._armed:
            with contextlib.suppress(OSError):
                os.unlink(entry)
        self._armed.clear()

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds; return whether the bell rang."""
        if not readable(self._pipe, max(0.0, timeout)):
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self._pipe, 4096)
        return True

    def ring(self) -> None:
        """Wake the thread that waits for this bell."""
        if not self._closed:
            with contextlib.suppress(OSError):
                os.write(self._pipe, b"!")

    def close(self) -> None:
        """Take the bell down; idempotent."""
        if self._closed:
            return
        self._closed = True
        self.disarm()
        with contextlib.suppress(OSError):
            os.unlink(f"{self._bells.folder}/{self._name}")
        with contextlib.suppress(OSError):
            os.close(self._pipe)
