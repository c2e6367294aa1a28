"""Write the page: ``make compatibility``."""

from __future__ import annotations

import celeriac
from tests.compatibility.page import PAGE, page

PAGE.write_text(page(celeriac.__version__), encoding="utf-8")
print(f"Wrote {PAGE}")
