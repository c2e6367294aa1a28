"""The task. No broker is named, so the web server and the worker meet in an embedded file beside this module."""

from __future__ import annotations

import time
from typing import Any

from celeriac import Celeriac

app = Celeriac("jobs")


@app.task(bind=True)
def import_rows(self: Any, rows: int, pause: float = 0.02) -> int:
    """Import rows one by one, and say after each how far it is; there is no row 13."""
    for row in range(1, rows + 1):
        if row == 13:
            raise ValueError("Row 13 cannot be read")
        time.sleep(pause)
        self.update_state(state="PROGRESS", meta={"done": row, "total": rows})
    return rows
