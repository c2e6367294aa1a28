"""Reading the golden files."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from celeriac.wire.virtual import Unpacked, unpack

_FOLDER = Path(__file__).parents[2] / "golden"


def cases(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((_FOLDER / f"{file}.json").read_text())["cases"]
    return found


def messages(file: str) -> list[tuple[str, Unpacked]]:
    return [(case["name"], unpack(json.dumps(case["message"]).encode())) for case in cases(file)]


def body(case: dict[str, Any]) -> bytes:
    return b64decode(case["body"])
