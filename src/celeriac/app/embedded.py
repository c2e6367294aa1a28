"""Where the embedded default keeps its file: beside the code that creates the application, whatever folder a process is started in."""

from __future__ import annotations

import os
import sysconfig
import zlib
from collections.abc import Callable, Iterable
from types import FrameType

FILE = "celeriac.sqlite3"
FOLDER = ".celeriac"
VARIABLE = "CELERIAC_EMBEDDED_FILE"

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def calling_files(frame: FrameType | None) -> list[str]:
    """Return the files of the frames outward from ``frame`` up to the first that belongs to the import system or to celeriac."""
    files: list[str] = []
    while frame is not None and _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or _is_own(name):
            break
        if not name.startswith("<"):
            files.append(os.path.abspath(name))
        frame = frame.f_back
    return files


def _is_own(name: str) -> bool:
    return name.startswith(_OWN)


def project_folder(files: Iterable[str], *, exists: Callable[[str], bool] = os.path.exists, cwd: str | None = None) -> str:
    """Return the folder that holds the project of the code that created the application.

    ``files`` are innermost first. Installed packages and the standard library are passed over, unless there is nothing else.
    """
    files = list(files)
    ours = [file for file in files if not is_installed(file)]
    chosen = ours[0] if ours else files[-1] if files else None
    if chosen is None:
        return cwd or os.getcwd()
    folder = os.path.dirname(chosen)
    while exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def is_installed(file: str) -> bool:
    """Return whether a file belongs to an installed package or to the standard library."""
    parts = file.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    return any(file.startswith(folder) for folder in _library_folders())


def _library_folders() -> set[str]:
    paths = sysconfig.get_paths()
    return {os.path.realpath(paths[name]) + os.sep for name in ("stdlib", "platstdlib")} | {paths["stdlib"] + os.sep}


def embedded_file(folder: str, *, setting: str | None, environ: dict[str, str] | os._Environ[str]) -> str:
    """Return the path of the embedded file, having made its folder: the setting, the environment variable, or the project's."""
    chosen = setting or environ.get(VARIABLE)
    if chosen:
        path = os.path.abspath(os.path.expanduser(chosen))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path
    home = os.path.join(folder, FOLDER)
    if not _usable(home):
        home = _state_folder(folder, environ)
        os.makedirs(home, exist_ok=True)
    _hide_from_git(home)
    return os.path.join(home, FILE)


def _usable(home: str) -> bool:
    try:
        os.makedirs(home, exist_ok=True)
    except OSError:
        return False
    file = os.path.join(home, FILE)
    return os.access(home, os.W_OK | os.X_OK) and (not os.path.exists(file) or os.access(file, os.W_OK))


def _state_folder(folder: str, environ: dict[str, str] | os._Environ[str]) -> str:
    states = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    path = folder.encode("utf-8", "surrogateescape")
    mark = f"{zlib.crc32(path):08x}{zlib.adler32(path):08x}"
    return os.path.join(states, "celeriac", f"{os.path.basename(folder) or 'root'}-{mark}")


def _hide_from_git(home: str) -> None:
    path = os.path.join(home, ".gitignore")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("*\n")

