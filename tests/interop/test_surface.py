"""Every public attribute of the objects that programs hold is here as in real Celery, or in the table of what is left out, with the reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.peer import PYTHON, require_peers
from tests.interop.test_programs import dropin_path

SIDE = Path(__file__).with_name("surface_side.py")
INNER = "part of how Celery works inside, not of what its documentation offers"
MAPPING = "part of Celery's chain of maps; settings are one mapping here"
KOMBU = "kombu's objects: app.amqp says by name what to use instead"
HOOKS = "hooks of custom loaders: connect to celery.signals"
PROMISE = "a promise of vine; use result.then, or await result"

LEFT_OUT: dict[str, dict[str, str]] = {
    "Celery": {
        **dict.fromkeys(("Pickler", "create_task_cls", "prepare_config", "type_checker", "use_fast_trace_task"), INNER),
    },
    "conf": {
        **dict.fromkeys(("bind_to", "defaults", "key_t", "maps", "prefix", "swap_with", "fromkeys"), MAPPING),
        **dict.fromkeys(("iteritems", "iterkeys", "itervalues"), "Python 2's names: items, keys, values"),
        **dict.fromkeys(("finalize", "maybe_warn_deprecated_settings"), INNER),
    },
    "Task": {
        **dict.fromkeys(("Request", "Strategy", "start_strategy"), "messages do not go through request and strategy objects that could be replaced"),
        **dict.fromkeys(("annotate", "from_config"), INNER),
    },
    "Context": {"as_execution_options": INNER},
    "AsyncResult": {"on_ready": PROMISE, "supports_native_join": INNER},
    "EagerResult": {"on_ready": PROMISE},
    "ResultSet": {"on_ready": PROMISE},
    "GroupResult": {"on_ready": PROMISE},
    "Signature": {"AsyncResult": "use task.AsyncResult(id), or what apply_async returns", "election": "workers hold no elections"},
    "amqp": {
        **dict.fromkeys(("BrokerConnection", "Connection", "Consumer", "Producer", "TaskConsumer"), KOMBU),
        **dict.fromkeys(("as_task_v1", "as_task_v2", "create_task_message", "send_task_message", "task_protocols"), "call task.apply_async"),
        "autoexchange": INNER,
    },
    "log": dict.fromkeys(
        ("colored", "colorize", "datefmt", "loglevel", "setup_handlers", "setup_task_loggers", "task_datefmt"),
        "setup_logging_subsystem does it all; the settings worker_log_* say how",
    ),
    "loader": {
        **dict.fromkeys(("init_worker", "init_worker_process", "shutdown_worker", "worker_initialized"), HOOKS),
        "find_module": "use importlib.util.find_spec",
        "task_modules": "use sys.modules",
    },
    "crontab": {"remaining_delta": INNER},
}
"""Object -> attribute -> why it is not there."""

OTHER_PARAMETERS: dict[str, dict[str, str]] = {
    "conf": {"add_defaults": "positional in all documentation"},
    "Control": {"Mailbox": INNER},
    "amqp": dict.fromkeys(("Queues", "queues_cls", "Router"), "made of the settings"),
    "loader": dict.fromkeys(("cmdline_config_parser", "import_from_cwd"), INNER),
    "crontab": {"remaining_estimate": "ffwd is for Celery's own tests"},
}
"""Object -> method -> why parameters are missing."""

Told = dict[str, dict[str, list[str] | None]]


def look(interpreter: str, folder: Path, **extra: str) -> Told:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [interpreter, str(SIDE)], env={**environment, **extra}, cwd=folder, capture_output=True, text=True, check=False, timeout=90
    )
    assert finished.returncode == 0, finished.stderr
    found: Told = json.loads(finished.stdout.rpartition("SURFACE ")[2])
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Told]:
    """What real Celery and the drop-in say of themselves."""
    require_peers()
    folder = tmp_path_factory.mktemp("surface")
    return look(str(PYTHON), folder), look(sys.executable, folder, PYTHONPATH=dropin_path())


def test_the_attributes_that_are_missing_are_those_of_the_table(both: tuple[Told, Told]) -> None:
    theirs, ours = both
    missing: dict[str, Any] = {name: {each for each in theirs[name] if each not in ours[name]} for name in theirs}

    assert {name: set(reasons) for name, reasons in LEFT_OUT.items()} == {name: found for name, found in missing.items() if found}


def test_methods_take_the_parameters_that_celerys_take(both: tuple[Told, Told]) -> None:
    theirs, ours = both
    missing: dict[str, set[str]] = {}
    for name, attributes in theirs.items():
        for attribute, wanted in attributes.items():
            have = ours[name].get(attribute)
            if wanted and have is not None and set(wanted) - set(have):
                missing.setdefault(name, set()).add(attribute)

    assert {name: set(reasons) for name, reasons in OTHER_PARAMETERS.items()} == missing
