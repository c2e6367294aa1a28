"""``python -m celeriac_probe``."""

from __future__ import annotations

import sys

from celeriac_probe import main

sys.exit(main())
