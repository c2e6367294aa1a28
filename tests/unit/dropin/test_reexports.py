from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import celeriac

DROPIN = Path(__file__).resolve().parents[3] / "dropin"
NEEDS = {"contrib/django/task": "django", "contrib/sphinx": "sphinx"}
MODULES = sorted(
    ".".join(path.relative_to(DROPIN / "src").with_suffix("").parts).removesuffix(".__init__")
    for path in (DROPIN / "src").rglob("*.py")
    if path.name != "__main__.py" and not any(each in str(path) and not importlib.util.find_spec(name) for each, name in NEEDS.items())
)
TELL = """
import importlib, json, sys
told = {}
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    told[name] = {public: getattr(getattr(module, public), "__module__", "") for public in getattr(module, "__all__", [])}
import celery, celeriac
told["same"] = [celery.Celery is celeriac.Celeriac, celery.Task is celeriac.Task, celery.shared_task is celeriac.shared_task]
print(json.dumps(told))
"""


def told() -> dict[str, object]:
    environment = {**os.environ, "PYTHONPATH": str(DROPIN / "src")}
    finished = subprocess.run([sys.executable, "-c", TELL, *MODULES], env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)  # type: ignore[no-any-return]


def test_every_module_imports_and_its_objects_are_celeriacs() -> None:
    seen = told()
    found = {f"{module}.{name}": origin for module in MODULES for name, origin in seen[module].items()}  # type: ignore[attr-defined]
    own = {"celery.VERSION", "celery.registry", "celery.version_info"}

    assert seen["same"] == [True, True, True]
    assert {} == {name: origin for name, origin in found.items() if origin.startswith("celery") and name not in own}


def test_the_drop_in_belongs_to_this_version() -> None:
    project = tomllib.loads((DROPIN / "pyproject.toml").read_text())["project"]

    assert project["version"] == f"5.7.0+celeriac.{celeriac.__version__}"
    assert project["dependencies"] == [f"celeriac=={celeriac.__version__}", "kombu>=5.5", "billiard>=4.2"]


def test_the_signals_are_all_there() -> None:
    ours = importlib.import_module("celeriac.signals")
    names = {name for name, value in vars(ours).items() if type(value).__name__ == "Signal"}

    assert names == set(told()["celery.signals"])  # type: ignore[call-overload]
