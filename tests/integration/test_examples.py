"""The examples are complete programs that run as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_word_statistics_run_from_start_to_end(tmp_path: Path) -> None:
    example = tmp_path / "word_statistics"
    shutil.copytree(EXAMPLES / "word_statistics", example, ignore=shutil.ignore_patterns(".celeriac", "__pycache__"))

    done = subprocess.run([sys.executable, "demo.py", "--files", "40", "--top", "3"], cwd=example, capture_output=True, text=True, timeout=60)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.search(r"40 files in [\d.]+ s: [\d,]+ tasks per second", done.stdout)
    assert re.search(r"self +[\d,]+", done.stdout)
    assert (example / ".celeriac" / "celeriac.sqlite3").exists()
