from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "dropin" / "src" / "celery"


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dropin_single", SOURCE / "_single.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(folder: Path, version: str, files: str = "celery/__init__.py,,\n") -> str:
    """Make a folder look as if a distribution named celery was installed into it."""
    info = folder / f"celery-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: celery\nVersion: {version}\n")
    (info / "RECORD").write_text(files)
    return str(folder)


def test_alone_it_is_content(single: ModuleType, tmp_path: Path) -> None:
    single.refuse_mixture([install(tmp_path, "5.7.0+celeriac.0.1.0")], str(SOURCE / "_single.py"))
    single.refuse_mixture([], str(SOURCE / "_single.py"))


def test_real_celery_on_the_path_is_refused_with_its_place(single: ModuleType, tmp_path: Path) -> None:
    paths = [install(tmp_path / "ours", "5.7.0+celeriac.0.1.0"), install(tmp_path / "theirs", "5.4.0")]

    with pytest.raises(ImportError, match=r"celery 5\.4\.0 in .*theirs") as refused:
        single.refuse_mixture(paths, str(SOURCE / "_single.py"))
    assert "pip uninstall -y celery" in str(refused.value)


def test_modules_that_another_distribution_has_brought_are_refused_by_name(single: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "celery"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    recorded = "".join(f"{path.relative_to(tmp_path)},,\n" for path in folder.rglob("*.py"))
    paths = [install(tmp_path, "5.7.0+celeriac.0.1.0", recorded)]
    single.refuse_mixture(paths, str(folder / "_single.py"))
    (folder / "app" / "somebody_elses.py").write_text("")

    with pytest.raises(ImportError, match=r"holds 1 modules beside those of the celeriac drop-in \(app/somebody_elses\.py") as refused:
        single.refuse_mixture(paths, str(folder / "_single.py"))
    assert "another Celery was installed over it" in str(refused.value)
