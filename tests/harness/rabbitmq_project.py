"""A user's project on a RabbitMQ of the tests' own."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
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


class MailWitness(AbstractContextManager["MailWitness"]):
    """Writes down when each result that comes by message (``rpc://``) was first here."""

    def __init__(self, project: RabbitProject) -> None:
        self._backend = project.client.result_backend
        self.stored: dict[str, float] = {}
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def _run(self) -> None:
        while not self._ended:
            self._note(self._backend.mailbox())

    def _note(self, mailbox: Any) -> None:
        mailbox.link.wait(lambda: bool(mailbox.arrived) or self._ended, 0.2)
        now = time.time()
        for envelope in list(mailbox.arrived):
            if b'"SUCCESS"' in envelope.body:
                self.stored.setdefault(str(envelope.properties["correlation_id"]), now)
        self._backend.absorb(mailbox)

    def __enter__(self) -> MailWitness:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._ended = True
        self._thread.join(5)
