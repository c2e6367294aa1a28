"""The ``celery`` command, and ``python -m celery``."""

from __future__ import annotations

import sys

from celeriac.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
