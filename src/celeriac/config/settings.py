"""An application's settings: layers of values behind one object that reads like a dict and like attributes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from copy import deepcopy
from typing import Any, NamedTuple, Self

from celeriac.config.censoring import censored as hide
from celeriac.config.names import by_name, canonical
from celeriac.config.setting import Setting, coerce, seconds
from celeriac.config.spelling import misspelt_in
from celeriac.config.table import NAMESPACES, SETTINGS, STAND_INS
from celeriac.model.errors import SettingWarning

Defaults = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class FoundOption(NamedTuple):
    """Where a setting was found by a part of its name."""

    namespace: str
    key: str
    type: Setting


class Settings(MutableMapping[str, Any]):
    """The settings of one application, by attribute or item, under new and old names.

    The strongest layer that has a value gives it: ``override`` (command line), what was written to this object, ``preconf`` (arguments
    of the application), ``environment``, ``config`` (what ``sources`` read), ``add_defaults``, the table. With ``environment_wins``
    the environment comes directly after ``override``.
    A value of a wrong type is refused with ``ImproperlyConfigured``: at once when written here, else when first read. Writing a
    name that is nearly a setting warns (``SettingWarning``); ``enforcement.enforce`` does both for what came from elsewhere.
    """

    def __init__(
        self,
        preconf: Mapping[str, Any] | None = None,
        *,
        environment: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        namespace: str | None = None,
        environment_wins: bool = False,
        with_table: bool = True,
    ) -> None:
        self._namespace = namespace
        self._environment_wins = environment_wins
        self._overridden: dict[str, Any] = {}
        self._written: dict[str, Any] = {}
        self._preconf = by_name(preconf or {}, namespace)
        self._environment = dict(environment or {})
        self._config = by_name(config or {}, namespace)
        self._added: list[Defaults] = []
        self._table: dict[str, Setting] = SETTINGS if with_table else {}
        self._fresh: dict[str, Any] = {}
        self._generation = 0

    # Reading

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._read(name)
        except KeyError:
            raise AttributeError(f"There is no setting {name!r}") from None

    def __getitem__(self, key: str) -> Any:
        if key in SETTINGS and key in self.__dict__:
            return self.__dict__[key]
        return self._read(key)

    def _read(self, key: str) -> Any:
        name = canonical(key, self._namespace)
        generation = self._generation
        value = self._resolve(name)
        # Kept as a plain attribute: the next read does not come here. Not when somebody wrote meanwhile.
        if name in SETTINGS and generation == self._generation:
            self.__dict__[name] = value
        return value

    def _resolve(self, name: str) -> Any:
        setting = SETTINGS.get(name)
        for layer in self._layers():
            if name in layer:
                value = layer[name] if setting is None else coerce(setting, layer[name])
                break
        else:
            value = self._default(name)
        return self._resolve(STAND_INS[name]) if value is None and name in STAND_INS else value

    def _layers(self) -> Iterator[Mapping[str, Any]]:
        yield self._overridden
        if self._environment_wins:
            yield self._environment
        yield self._written
        yield self._preconf
        if not self._environment_wins:
            yield self._environment
        yield self._config
        for place in range(len(self._added) - 1, -1, -1):
            added = self._added[place]
            if not isinstance(added, Mapping):
                added = self._added[place] = by_name(added(), self._namespace)
            yield added

    def _default(self, name: str) -> Any:
        value = self._table[name].default
        if isinstance(value, dict):
            # Each object has its own, so that conf.beat_schedule["x"] = ... stays in it.
            return self._fresh.setdefault(name, deepcopy(value))
        return value

    def seconds(self, name: str) -> float | None:
        """Return a duration in seconds, whether it was set as a number or as a ``timedelta``; None when there is none."""
        return seconds(self[name])

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        name = canonical(key, self._namespace)
        return name in self._table or any(name in layer for layer in self._layers())

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._table, *self.set_names()]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def set_names(self) -> Iterable[str]:
        """Return the names that anything but the table gives a value."""
        return dict.fromkeys(name for layer in reversed(list(self._layers())) for name in layer)

    def is_set(self, name: str) -> bool:
        """Return whether anything but the table gives this setting a value."""
        return any(name in layer for layer in self._layers())

    def first(self, *keys: str) -> Any:
        """Return the first value among these keys that is not None."""
        return next((value for key in keys if (value := self.get(key)) is not None), None)

    def get_by_parts(self, *parts: str) -> Any:
        """Return the setting whose name these parts make, joined by underscores."""
        return self["_".join(part for part in parts if part)]

    def value_set_for(self, key: str) -> Any:
        """Return the value that was written for a key (here or as an argument of the application), or None."""
        return self.changes.get(canonical(key, self._namespace))

    def find_option(self, name: str, namespace: str = "") -> FoundOption:
        """Find a setting by a part of its name: ``find_option("url", "broker")``, ``find_option("concurrency")``; KeyError if there is none."""
        wanted = canonical(f"{namespace}_{name}" if namespace else name, self._namespace)
        candidates = [wanted] if namespace or wanted in SETTINGS else [name, *(f"{space}_{name}" for space in sorted(NAMESPACES))]
        for full in candidates:
            if full in SETTINGS:
                space, _, rest = full.partition("_")
                return FoundOption(space, rest, SETTINGS[full]) if space in NAMESPACES else FoundOption("", full, SETTINGS[full])
        raise KeyError(name)

    def find_value_for_key(self, name: str, namespace: str = "") -> Any:
        """Return the value of the setting that ``find_option`` finds."""
        found = self.find_option(name, "" if namespace == "celery" else namespace)
        return self[found.type.name]

    @property
    def generation(self) -> int:
        """A number that changes whenever something is written: what was derived from the settings before is out of date."""
        return self._generation

    # Writing

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self._write(self._written, {name: value})

    def __setitem__(self, key: str, value: Any) -> None:
        self._write(self._written, {key: value})

    def __delitem__(self, key: str) -> None:
        name = canonical(key, self._namespace)
        if name not in self._written and name not in self._preconf:
            raise KeyError(key)
        self._written.pop(name, None)
        self._preconf.pop(name, None)
        self._forget()

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def update(self, *sources: Any, **named: Any) -> None:
        """Write several settings: all of them, or none when one is refused."""
        self._write(self._written, dict(*sources, **named))

    def override(self, *sources: Any, **named: Any) -> None:
        """Write settings above every other layer, as the command line does."""
        self._write(self._overridden, dict(*sources, **named))

    def add_defaults(self, defaults: Defaults) -> None:
        """Add values that count where nothing else was set; a callable is called when a setting is first looked for in it."""
        self._added.append(by_name(defaults, self._namespace) if isinstance(defaults, Mapping) else defaults)
        self._forget()

    def add_config(self, config: Mapping[str, Any]) -> None:
        """Lay another source (see ``sources.read``) over those that were read before."""
        self._config = {**self._config, **by_name(config, self._namespace)}
        self._forget()

    def _write(self, layer: dict[str, Any], values: Mapping[str, Any]) -> None:
        named = by_name(values, self._namespace)
        for name, value in named.items():
            if name in SETTINGS:
                coerce(SETTINGS[name], value)
        layer.update(named)
        self._forget()
        for problem in misspelt_in(self, named, "conf"):
            warnings.warn(str(problem), SettingWarning, stacklevel=3)

    def _forget(self) -> None:
        self._generation += 1
        for name in [name for name in self.__dict__ if not name.startswith("_")]:
            self.__dict__.pop(name, None)

    def clear(self) -> None:
        """Forget everything that was written here or given to the application."""
        self._written.clear()
        self._preconf.clear()
        self._forget()

    # The whole

    @property
    def namespace(self) -> str | None:
        """The prefix of names in the sources, without it None."""
        return self._namespace

    def sources(self) -> dict[str, Mapping[str, Any]]:
        """Return the layers that were set, by where they come from, the strongest first."""
        return {
            "command line": self._overridden,
            "conf": self._written,
            "application": self._preconf,
            "environment": self._environment,
            "config": self._config,
        }

    @property
    def changes(self) -> dict[str, Any]:
        """What was written here or given to the application, by new names."""
        return {**self._preconf, **self._written}

    def without_defaults(self) -> Settings:
        """Return the same settings without those that nobody set."""
        return self._copy(with_table=False)

    def copy(self) -> Self:
        """Return an independent object with the same layers."""
        return self._copy(with_table=bool(self._table))

    def _copy(self, *, with_table: bool) -> Self:
        made = type(self)(namespace=self._namespace, environment_wins=self._environment_wins, with_table=with_table)
        for name in ("_overridden", "_written", "_preconf", "_environment", "_config", "_fresh"):
            setattr(made, name, dict(getattr(self, name)))
        made._added = list(self._added)
        return made

    def table(self, with_defaults: bool = False, censored: bool = True) -> dict[str, Any]:
        """Return all settings as a dict: those that were set, or all; passwords hidden unless ``censored`` is False."""
        shown = {key: self[key] for key in (self if with_defaults else self.set_names())}
        return {key: hide(key, value) for key, value in shown.items()} if censored else shown

    def humanize(self, with_defaults: bool = False, censored: bool = True) -> str:
        """Return the same as text, a line for each setting."""
        return "\n".join(f"{key}: {value!r}" for key, value in self.table(with_defaults, censored).items())

    def __reduce__(self) -> Any:
        return type(self), (self.changes,)

    def __repr__(self) -> str:
        return f"Settings({self.table()!r})"

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self]
