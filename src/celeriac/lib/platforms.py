"""What a program may ask of its platform; the exit statuses are those of sysexits.h."""

from __future__ import annotations

import platform
import sys

SYSTEM = platform.system()
IS_macOS = sys.platform == "darwin"
IS_WINDOWS = sys.platform == "win32"
EX_OK = 0
EX_FAILURE = 1
EX_USAGE = 64
EX_UNAVAILABLE = 69
