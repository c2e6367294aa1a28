"""What a service needs of a command: its user, its umask, its pid file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from celeriac.lib.reexec import start_with

with suppress(ImportError):
    # Windows has neither users nor groups of this kind.
    import grp
    import pwd

_DETACHED = "CELERIAC_DETACHED"
"""The environment variable that holds the id of a process that has gone to the background."""


def take_identity(uid: str | None, gid: str | None, umask: str | None) -> None:
    """Become another group and user, and set the umask (octal text); a group is taken first, while that is still allowed."""
    if umask is not None:
        try:
            os.umask(int(umask, 8))
        except ValueError:
            raise click.UsageError(f"--umask {umask}: give an octal number such as 022") from None
    if uid is None and gid is None:
        return
    try:
        user = None if uid is None else _user(uid)
        group = _group(gid) if gid is not None else None if user is None else user.pw_gid
        if group is not None and group != os.getgid():
            os.setgid(group)
        # A worker that starts again (HUP) is that user already, and may not say so again.
        if user is not None and user.pw_uid != os.getuid():
            os.initgroups(user.pw_name, os.getgid())
            os.setuid(user.pw_uid)
    except PermissionError:
        raise click.UsageError("--uid and --gid: only root may become somebody else") from None


def _user(uid: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(uid)) if uid.isdigit() else pwd.getpwnam(uid)
    except KeyError:
        raise click.UsageError(f"--uid {uid}: there is no such user") from None


def _group(gid: str) -> int:
    try:
        return int(gid) if gid.isdigit() else grp.getgrnam(gid).gr_gid
    except KeyError:
        raise click.UsageError(f"--gid {gid}: there is no such group") from None


def go_on_with(python: str | None) -> None:
    """Go on in another Python (option ``--executable``), if one is named that this is not."""
    if python is not None:
        try:
            start_with(python, "celeriac")
        except OSError as error:
            raise click.UsageError(f"--executable {python}: cannot be run: {error.strerror}") from None


@contextmanager
def pidfile_of(path: str | None) -> Iterator[None]:
    """Hold a pid file while the block runs; one that a dead process left is replaced, a living one's is respected."""
    if path is None:
        yield
        return
    _take(path)
    own = os.getpid()
    try:
        yield
    finally:
        # A forked child that ends by an exception must not remove its parent's file.
        if os.getpid() == own and holder(path) == own:
            os.unlink(path)


def refuse_if_held(path: str) -> None:
    """Raise ClickException when the pid file is that of another process that runs."""
    pid = holder(path)
    if pid is not None and pid != os.getpid() and lives(pid):
        raise click.ClickException(f"The pid file {path} belongs to process {pid}, which runs: is this worker started already?")


def _take(path: str) -> None:
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            refuse_if_held(path)
            _remove(path)
            continue
        except OSError as error:
            raise click.ClickException(f"Cannot write the pid file {path}: {error.strerror}") from None
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{os.getpid()}\n")
        return
    raise click.ClickException(f"Cannot take the pid file {path}: another process takes it at this moment")


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def holder(path: str) -> int | None:
    """Return the process id in a pid file, or None."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read().strip())
    except (OSError, ValueError):
        return None


def lives(pid: int) -> bool:
    """Tell whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def detach(logfile: str | None) -> None:
    """Go on in the background: the process that was started ends, what is printed goes to the log file or nowhere.

    A process that starts again in its place (HUP) is in the background already, and stays what it is.
    """
    if os.environ.get(_DETACHED) == str(os.getpid()):
        return
    if not hasattr(os, "fork"):
        raise click.UsageError("-D/--detach cannot be had on this platform: let its service manager run this in the background")
    for step in range(2):
        if os.fork():
            os._exit(0)
        if step == 0:
            os.setsid()
    os.environ[_DETACHED] = str(os.getpid())
    nothing = os.open(os.devnull, os.O_RDWR)
    output = nothing if logfile is None else os.open(logfile, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    for descriptor, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
