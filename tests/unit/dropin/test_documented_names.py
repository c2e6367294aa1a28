from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.dropin.documented import OURS, REFUSED

DROPIN = Path(__file__).resolve().parents[3] / "dropin" / "src"
LOOK = """
import importlib, json, sys
told = {}
for module, names in json.load(sys.stdin).items():
    for name in names or [""]:
        key = f"{module}.{name}"
        try:
            if name == "*":
                importlib.import_module(module)
                told[key] = "there"
            elif name:
                found = {}
                exec(f"from {module} import {name} as found", found)
                told[key] = "Celery's" if str(getattr(found["found"], "__module__", "")).startswith("celery.") else "ours"
            else:
                importlib.import_module(module)
                told[key] = "ours"
        except ImportError as error:
            told[key] = str(error)
print(json.dumps(told))
"""
OWN = {"celery.VERSION", "celery.version_info"}


def look(table: dict[str, list[str]]) -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(DROPIN)}
    finished = subprocess.run(
        [sys.executable, "-c", LOOK], input=json.dumps(table), env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)  # type: ignore[no-any-return]


def test_what_the_table_calls_ours_is_importable_and_ours() -> None:
    assert {} == {name: told for name, told in look(OURS).items() if told != "ours" and name not in OWN}


def test_what_the_table_calls_refused_says_what_to_use_instead() -> None:
    told = look(REFUSED)

    assert {} == {name: text for name, text in told.items() if "cannot be had from celeriac: " not in text}
    assert {} == {name: text for name, text in told.items() if len(text.partition("celeriac: ")[2]) < 12}


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("from celery.task import task", "from celery import shared_task"),
        ("from celery.task import periodic_task", "beat_schedule"),
        ("from celery.task.schedules import crontab", "from celery import shared_task"),
        ("from celery.decorators import task", "@shared_task"),
        ("from celery.registry import tasks", "app.tasks"),
        ("from celery.log import get_task_logger", "celery.utils.log.get_task_logger"),
        ("from celery.execute import send_task", "app.send_task"),
        ("from celery.utils.encoding import safe_str", "kombu.utils.encoding"),
    ],
)
def test_a_tutorial_of_long_ago_is_told_what_to_write_today(statement: str, remedy: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", statement], env={**os.environ, "PYTHONPATH": str(DROPIN)}, capture_output=True, text=True, check=False, timeout=60
    )

    assert finished.returncode == 1
    assert remedy in finished.stderr.splitlines()[-1]


def test_a_name_that_nobody_knows_is_an_ordinary_error() -> None:
    told = look({"celery.nonsense": ["*"], "celery.utils.text": ["nonsense"]})

    assert "No module named 'celery.nonsense'" == told["celery.nonsense.*"]
    assert told["celery.utils.text.nonsense"].startswith("cannot import name 'nonsense' from 'celery.utils.text'")
