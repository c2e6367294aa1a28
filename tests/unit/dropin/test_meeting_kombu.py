"""The drop-in beside kombu: its exceptions catch ours, whichever is imported first; the command says Celery's version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DROPIN = Path(__file__).resolve().parents[3] / "dropin" / "src"
CALLS = """
app = celery.Celery("x", broker="amqp://127.0.0.1:1//", broker_publish_timeout=0.2)
for arguments, expected in (((), OperationalError), ((object(),), EncodeError)):
    try:
        app.send_task("any", arguments)
    except expected as error:
        assert isinstance(error, KombuError), type(error).__mro__
"""
IMPORTS = ("import celery", "from kombu.exceptions import EncodeError, KombuError, OperationalError")


def python(*words: str) -> str:
    ended = subprocess.run(
        [sys.executable, *words], env={**os.environ, "PYTHONPATH": str(DROPIN)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("order", [IMPORTS, IMPORTS[::-1]])
def test_kombus_exceptions_catch_ours(order: tuple[str, ...]) -> None:
    python("-c", "\n".join(order) + CALLS)


def test_kombu_is_not_imported_before_somebody_needs_it() -> None:
    assert "False\n" == python("-c", "import celery, sys; print('kombu.exceptions' in sys.modules)")


def test_the_version_has_the_form_that_tools_read() -> None:
    assert re.fullmatch(r"5\.7\.\d+ \(\w+\)\n", python("-m", "celery", "--version"))
