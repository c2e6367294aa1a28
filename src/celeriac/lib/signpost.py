"""Named points in the code that tests wait for, or die at; inert otherwise.

A process reaches a signpost with ``reach("consumer.fetched")``. Nothing happens unless the environment variable
``CELERIAC_SIGNPOSTS`` names a folder: then one line is appended to ``<folder>/<name>`` (so a test can wait for it), and when
``<folder>/<name>.kill`` exists the process removes that file and kills itself with SIGKILL, which is how fault tests hit an exact moment.
"""

from __future__ import annotations

import os
import signal

_folder = os.environ.get("CELERIAC_SIGNPOSTS", "")


def reach(name: str) -> None:
    """Tell whoever watches that this point was reached."""
    if _folder:
        _report(name)


def _report(name: str) -> None:
    path = os.path.join(_folder, name)
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    try:
        os.unlink(path + ".kill")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
