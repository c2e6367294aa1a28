"""Asking a worker's monitor."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from tests.harness.waiting import PATIENCE


def ask(port: int, path: str, timeout: float = 10.0) -> tuple[int, str]:
    """Return status and text of an answer; status 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout * PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class Scrape:
    """What one scrape told."""

    def __init__(self, port: int) -> None:
        status, self.text = ask(port, "/metrics")
        assert status == 200, self.text
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}

    def value(self, name: str, **labels: str) -> float:
        """Add up the samples of this name and these labels."""
        return sum(
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def states(self, task: str) -> dict[str, int]:
        """Return how many calls of a task came to which state, where any did."""
        found: Counter[str] = Counter()
        for sample in self.families["celeriac_tasks"].samples:
            if sample.labels["task"] == f"tasks.{task}":
                found[sample.labels["state"]] += int(sample.value)
        return {state: count for state, count in found.items() if count}
