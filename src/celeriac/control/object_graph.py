"""A picture of which objects keep which others in memory, by the library objgraph."""

from __future__ import annotations

import os
import tempfile

from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import MissingExtra


def draw_references(type_name: str, most: int, max_depth: int) -> str:
    """Draw what refers to the latest ``most`` objects of a type, and return the file: a PNG where graphviz is, else its DOT text.

    ``MissingExtra`` names the library when it is not there; ``ValueError`` when there is no such object.
    """
    try:
        library = symbol_by_name("objgraph")
    except ImportError:
        raise MissingExtra("objgraph needs a library of this name where the worker runs: pip install objgraph (and graphviz for pictures)") from None
    found = library.by_type(type_name)[-most:]
    if not found:
        raise ValueError(f"this process has no objects of the type {type_name!r}: its most common ones are {_commonest(library)}")
    ending = ".png" if _draws() else ".dot"
    with tempfile.NamedTemporaryFile(prefix=f"celeriac-{os.getpid()}-", suffix=ending, delete=False) as file:
        name = file.name
    library.show_backrefs(found, max_depth=max_depth, highlight=lambda each: any(each is one for one in found), filename=name)
    return name


def _commonest(library: object) -> str:
    counts = library.most_common_types(limit=5)  # type: ignore[attr-defined]
    return ", ".join(name for name, _ in counts)


def _draws() -> bool:
    return any(os.access(os.path.join(folder, "dot"), os.X_OK) for folder in os.environ.get("PATH", "").split(os.pathsep))
