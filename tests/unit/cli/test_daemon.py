from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from celeriac.cli.daemon import pidfile_of, take_identity


def test_a_pid_file_of_a_living_process_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text(f"{os.getppid()}\n")

    with pytest.raises(click.ClickException, match=f"belongs to process {os.getppid()}"), pidfile_of(str(path)):
        pass

    assert path.exists()


def test_a_pid_file_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path.write_text(f"{gone.pid}\n")

    with pidfile_of(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_folder_that_does_not_exist_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="Cannot write the pid file"), pidfile_of(str(tmp_path / "no" / "pid")):
        pass


@pytest.mark.parametrize(("uid", "gid", "umask"), [("no-such-user", None, None), (None, "no-such-group", None), (None, None, "99")])
def test_identities_that_do_not_exist_are_refused(uid: str | None, gid: str | None, umask: str | None) -> None:
    with pytest.raises(click.UsageError, match="--"):
        take_identity(uid, gid, umask)
