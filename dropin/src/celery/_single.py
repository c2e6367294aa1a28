"""Only one distribution may provide the package ``celery``: a mixture of two would fail in ways that nobody understands."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

_REMEDY = (
    "Uninstall both and install one of them again:\n"
    "    pip uninstall -y celery && pip uninstall -y celery\n"
    "    pip install <the celeriac drop-in>       (or: pip install 'celery<6' for real Celery)"
)
_OURS = "+celeriac"


def refuse_mixture(paths: Iterable[str] | None = None, here: str = __file__) -> None:
    """Raise ImportError when another ``celery`` is installed as well, or this folder holds modules that this distribution did not bring."""
    found = list(distributions(name="celery") if paths is None else distributions(name="celery", path=list(paths)))
    others = {_told(each) for each in found if _OURS not in each.version}
    if others:
        raise ImportError(f"Real Celery is installed beside the celeriac drop-in: {', '.join(sorted(others))}. {_REMEDY}")
    folder = Path(here).resolve().parent
    brought = next((files for each in found if (files := _files(each, folder))), None)
    strangers = [] if brought is None else sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py") if path not in brought)
    if strangers:
        raise ImportError(
            f"The folder {folder} holds {len(strangers)} modules beside those of the celeriac drop-in ({', '.join(strangers[:3])} ...): "
            f"another Celery was installed over it. Remove that folder too. {_REMEDY}"
        )


def _files(distribution: Distribution, folder: Path) -> set[Path]:
    """Return the modules that a distribution has brought into the folder; none where it was installed as a link to its source."""
    recorded = {Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or () if file.suffix == ".py"}
    return recorded if folder / "__init__.py" in recorded else set()


def _told(distribution: Distribution) -> str:
    return f"celery {distribution.version} in {distribution.locate_file('')}"
