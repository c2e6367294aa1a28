"""A terminal of 80 columns and 24 lines with a program in it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyte

from tests.harness.waiting import eventually


class Terminal:
    """Runs a program in a pseudo terminal and knows what is on its screen."""

    def __init__(self, command: Sequence[str], *, env: dict[str, str], folder: Path) -> None:
        self._screen = pyte.Screen(80, 24)
        self._reader = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._theirs = theirs
        self.raw = b""
        """All that was written."""
        self.settings: list[Any] = termios.tcgetattr(theirs)
        """The terminal's settings before the program began."""
        self.process = subprocess.Popen(command, env={**env, "TERM": "xterm-256color"}, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs)

    @property
    def text(self) -> str:
        """What is on the screen."""
        self._read()
        return "\n".join(self._screen.display)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def wait_for(self, condition: Callable[[str], bool], what: str, *, timeout: float = 30.0) -> str:
        """Wait until the screen is so, and return it."""
        eventually(lambda: condition(self.text), what, timeout=timeout, pause=0.05, explain=lambda: self.text)
        return self.text

    def wait_for_end(self, timeout: float = 30.0) -> int:
        """Wait for the program's end and return its exit status."""
        eventually(lambda: self._read() or self.process.poll() is not None, "the program ends", timeout=timeout, explain=lambda: self.text)
        self._read()
        return self.process.wait()

    def settings_now(self) -> list[Any]:
        """Return the terminal's settings."""
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        """End the program, if it runs, and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self) -> bool:
        while select.select([self._ours], [], [], 0)[0]:
            found = os.read(self._ours, 65536)
            self.raw += found
            self._reader.feed(found)
        return False
