"""A user's project on a RabbitMQ of the tests' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import celeriac
from tests.harness.project import Project


class RabbitProject(Project):
    """Broker and results (``rpc://``, unless a store is named) by one virtual host; the client lives in the test's process."""

    def __init__(self, folder: Path, *, url: str, module: Path | None = None, **conf: Any) -> None:
        super().__init__(folder, **({} if module is None else {"module": module}))
        self.url = url
        self.conf = {"broker_url": url, "result_backend": "rpc://", **conf}

    @property
    def client(self) -> Any:
        """An application in the test's own process; it knows none of the tasks."""
        if self._client is None:
            self._client = celeriac.Celeriac("client", set_as_current=False)
            self._client.conf.update(self.conf)
        return self._client
