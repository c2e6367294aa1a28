"""How the documentation is built: ``make docs``."""

from __future__ import annotations

import tomllib
from pathlib import Path

_declared = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "celeriac"
author = "the celeriac developers"
project_copyright = "2026, the celeriac developers"
version = release = _declared["version"]

extensions = ["myst_parser"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
html_theme = "furo"
html_title = f"celeriac {release}"
nitpicky = True
