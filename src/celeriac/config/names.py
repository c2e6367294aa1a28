"""What a setting may be called: its name, its old name, its name behind a prefix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.config.table import OLD_NAMES, SETTINGS
from celeriac.model.errors import ImproperlyConfigured


def canonical(key: str, namespace: str | None = None) -> str:
    """Return the name of the setting that a key means; a key that means none stays as it is, without its prefix if it has the namespace's."""
    if key in SETTINGS:
        return key
    bare = _behind_prefix(key, namespace)
    if bare is not None and bare in SETTINGS:
        return bare
    return OLD_NAMES.get(key, bare or key)


def _behind_prefix(key: str, namespace: str | None) -> str | None:
    if not namespace:
        return None
    prefix = namespace.rstrip("_") + "_"
    return key[len(prefix) :].lower() if key[: len(prefix)].lower() == prefix.lower() else None


def spelled(name: str, namespace: str | None) -> str:
    """Return how a setting is written in a source with this namespace."""
    return f"{namespace.rstrip('_')}_{name.upper()}" if namespace else name


def normalise(source: Mapping[str, Any], namespace: str | None = None) -> dict[str, Any]:
    """Return one source's values by the new names.

    Without a namespace, a source that mixes old and new names is refused (``ImproperlyConfigured``) with the list of what to rename.
    """
    if not namespace:
        refuse_mixture(source)
    return by_name(source, namespace)


def by_name(values: Mapping[str, Any], namespace: str | None = None) -> dict[str, Any]:
    """Return values by the new names, in the order in which they came; where a setting is spelt twice, the newer spelling counts."""
    names = {key: canonical(key, namespace) for key in values}
    found: dict[str, Any] = dict.fromkeys(names.values())
    for key in sorted(values, key=lambda key: _newness(key, namespace)):
        found[names[key]] = values[key]
    return found


def refuse_mixture(source: Mapping[str, Any]) -> None:
    """Raise ``ImproperlyConfigured`` when some settings have old names and others new ones; the style of the fewer is to be changed."""
    old = {key: OLD_NAMES[key] for key in source if key in OLD_NAMES and OLD_NAMES[key] not in source}
    new = {key for key in source if key in SETTINGS and not any(other in source for other in SETTINGS[key].old)}
    new = {key for key in new if SETTINGS[key].old}
    if not old or not new:
        return
    if len(new) >= len(old):
        style, renames = "new (lower case)", dict(sorted(old.items()))
    else:
        style, renames = "old (upper case)", {key: SETTINGS[key].old[0] for key in sorted(new)}
    width = max(map(len, renames))
    lines = "\n".join(f"    {key:<{width}} -> {name}" for key, name in renames.items())
    raise ImproperlyConfigured(f"The configuration mixes old and new names of settings. Rename these to the {style} style:\n{lines}")


def _newness(key: str, namespace: str | None) -> int:
    if key not in SETTINGS and _behind_prefix(key, namespace) in SETTINGS:
        return 2
    return 0 if key in OLD_NAMES else 1
