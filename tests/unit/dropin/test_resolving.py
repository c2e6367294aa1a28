"""pip and uv take the drop-in for Celery, where other packages require it: from an index with both, nothing is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.harness.requirements import lacking
from tests.harness.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
OURS: dict[str, Any] = tomllib.loads((ROOT / "dropin" / "pyproject.toml").read_text())["project"]
PINNED = f"celery=={OURS['version']}"


def offer(folder: Path, name: str, version: str, requires: list[str] | None = None, extras: dict[str, list[str]] | None = None) -> None:
    """Put a wheel without content into a folder."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {each}" for each in requires or ())]
    for extra, needs in (extras or {}).items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {need}; extra == "{extra}"' for need in needs)]
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with the drop-in, real Celery, and a package that wants Celery with an extra."""
    folder = tmp_path_factory.mktemp("index")
    offer(folder, "celery", OURS["version"], OURS["dependencies"], OURS["optional-dependencies"])
    for version in ("5.6.0", "5.7.0", "5.7.1"):
        offer(folder, "celery", version, ["kombu>=5.5"], {"redis": ["redis>=5"]})
    offer(folder, "celeriac", OURS["version"].partition("+celeriac.")[2], ["msgspec"], {"redis": ["redis>=5"]})
    for name in ("kombu", "billiard", "redis", "msgspec"):
        offer(folder, name, "5.9.0")
    offer(folder, "extends-celery", "1.0", ["celery[redis]>=5.2.7,<6"])
    return folder


def pip(index: Path, folder: Path, *words: str) -> set[str]:
    report = folder / "report.json"
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--dry-run", "--ignore-installed", "--no-index", "--find-links", str(index)]
    ended = subprocess.run([*command, "--quiet", "--report", str(report), *words], capture_output=True, text=True, check=False, timeout=60 * PATIENCE)
    assert ended.returncode == 0, ended.stderr
    return {f"{each['metadata']['name']}=={each['metadata']['version']}" for each in json.loads(report.read_text())["install"]}


def uv(index: Path, folder: Path, *words: str) -> set[str]:
    found = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if found is None:
        lacking("no uv here (pip install uv)")
    wanted = folder / "wanted.in"
    wanted.write_text("extends-celery\n")
    command = [str(found), "pip", "compile", "--quiet", "--no-config", "--offline", "--no-index", "--find-links", str(index)]
    command += ["--no-annotate", "--no-header", "--cache-dir", str(folder / "cache"), *words, str(wanted)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60 * PATIENCE)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


EXPECTED = {PINNED, OURS["dependencies"][0], "kombu==5.9.0", "billiard==5.9.0", "redis==5.9.0", "msgspec==5.9.0", "extends-celery==1.0"}


def test_pip_resolves_a_package_that_requires_celery(index: Path, tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"{PINNED}\n")

    assert pip(index, tmp_path, "-c", str(constraints), "extends-celery") == EXPECTED
    assert pip(index, tmp_path, PINNED, "extends-celery") == EXPECTED


@pytest.mark.parametrize("way", ["--constraint", "--override"])
def test_uv_resolves_a_package_that_requires_celery(index: Path, tmp_path: Path, way: str) -> None:
    pinned = tmp_path / "pinned.txt"
    pinned.write_text(f"{PINNED}\n")

    found = uv(index, tmp_path, way, str(pinned))

    # An override takes the place of the requirement, its extra too.
    assert found == (EXPECTED if way == "--constraint" else EXPECTED - {"redis==5.9.0"})


def test_the_extras_of_celery_are_there() -> None:
    offered = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    needed = {need for needs in OURS["optional-dependencies"].values() for need in needs if need.startswith("celeriac[")}

    assert set() == {need[len("celeriac[") : -1] for need in needed} - set(offered)
