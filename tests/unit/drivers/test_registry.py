from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from celeriac.drivers.memory.broker import MemoryBroker
from celeriac.drivers.registry import open_backend, open_broker, settler_for
from celeriac.drivers.sql.fused import SqlSettler
from celeriac.drivers.two_step import TwoStep
from celeriac.model.errors import ImproperlyConfigured


def test_memory_is_opened_by_name_and_shared():
    first, second = open_broker("memory://one", owner="w"), open_broker("memory://one")

    assert isinstance(first, MemoryBroker)
    assert first._store is second._store
    assert first._store is not open_broker("memory://two")._store


def test_disabled_results_are_none():
    assert open_backend("disabled://") is None


def test_broker_and_results_of_one_file_are_fused_and_of_two_are_not(tmp_path: Path):
    broker = open_broker(f"sqlite:///{tmp_path}/a.db")

    same = open_backend(f"db+sqlite:///{tmp_path}/../{tmp_path.name}/a.db")
    other = open_backend(f"db+sqlite:///{tmp_path}/b.db")

    assert isinstance(settler_for(broker, same), SqlSettler)
    assert isinstance(settler_for(broker, other), TwoStep)
    assert isinstance(settler_for(broker, None), TwoStep)


@pytest.mark.parametrize("url", ["mongodb://u:secret@host/0", "sqs://key:secret@", "sqla+postgresql://u:secret@h/d"])
def test_a_driver_of_a_later_version_is_named_as_such_without_the_password(url: str):
    with pytest.raises(ImproperlyConfigured, match="no driver yet") as caught:
        open_broker(url)

    assert "secret" not in str(caught.value)


def test_an_unknown_scheme_is_refused_with_the_nearest():
    with pytest.raises(ImproperlyConfigured, match="did you mean sqlite://"):
        open_broker("sqlit:///x")
    with pytest.raises(ImproperlyConfigured, match="did you mean memory://"):
        open_backend("memroy://")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_sqlite_url_without_a_file_is_refused(url: str):
    with pytest.raises(ImproperlyConfigured, match="path of a file"):
        open_broker(url)


def test_a_sqlite_url_with_too_few_slashes_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"sqlite:///tasks\.db"):
        open_broker("sqlite://tasks.db")


def test_the_sqlite_driver_does_not_import_sqlalchemy():
    code = "import sys, celeriac.drivers.sql.opening; sys.exit('sqlalchemy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
