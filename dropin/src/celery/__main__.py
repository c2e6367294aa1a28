"""The ``celery`` command, and ``python -m celery``."""

from __future__ import annotations

import sys

from celeriac.cli import main as command_line

VERSION = "5.7.0 (celeriac)"
"""In the form that tools read: Celery's version, and a name in brackets."""


def main() -> int:
    """Run the command line under Celery's version."""
    return command_line.main(version=VERSION)


if __name__ == "__main__":
    sys.exit(main())
