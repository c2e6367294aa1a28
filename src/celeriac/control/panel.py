"""The commands that workers know, by name: ours and those that programs add."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar, overload

from celeriac.lib.value import Value

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)


class CommandInfo(Value, frozen=True):
    """What is known of a command beside its function.

    ``type`` is inspect or control; ``args`` are (name, converter) pairs for the words of a command line, ``variadic`` names the
    argument that takes all the others.
    """

    type: str
    alias: str | None = None
    visible: bool = True
    default_timeout: float = 1.0
    help: str | None = None
    signature: str | None = None
    args: Sequence[tuple[str, Callable[[str], Any]]] | None = None
    variadic: str | None = None


class Panel(UserDict[str, Handler]):
    """A mapping of names to functions; all panels show the same commands."""

    data: ClassVar[dict[str, Handler]] = {}  # type: ignore[misc]
    meta: ClassVar[dict[str, CommandInfo]] = {}

    def __init__(self) -> None:
        """Show the commands that are there."""

    @overload
    @classmethod
    def register(cls, function: H, /) -> H: ...
    @overload
    @classmethod
    def register(cls, /, **options: Any) -> Callable[[H], H]: ...

    @classmethod
    def register(cls, function: Any = None, /, **options: Any) -> Any:
        """Add a command: as ``@Panel.register`` or with options (``name``, ``type`` and the fields of ``CommandInfo``)."""
        return cls._add(function) if function is not None else lambda function: cls._add(function, **options)

    @classmethod
    def _add(cls, function: Handler, *, name: str | None = None, type: str = "control", **fields: Any) -> Handler:
        found = name or function.__name__
        text = fields.pop("help", None) or (function.__doc__ or "").strip().partition("\n")[0] or None
        info = CommandInfo(type=type, help=text, **fields)
        for each in (found, info.alias):
            if each:
                cls.data[each] = function
        cls.meta[found] = info
        return function


@overload
def control_command(function: H, /) -> H: ...
@overload
def control_command(**options: Any) -> Callable[[H], H]: ...


def control_command(function: Any = None, /, **options: Any) -> Any:
    """Declare a function to be a command that changes a worker; it is called as ``function(state, **arguments)`` and returns the answer.

    Options: ``name``, ``alias``, ``args`` ((name, converter) pairs), ``signature`` (for help), ``variadic``, ``default_timeout`` (seconds),
    ``visible``.
    """
    return Panel.register(function) if function is not None else Panel.register(type="control", **options)


@overload
def inspect_command(function: H, /) -> H: ...
@overload
def inspect_command(**options: Any) -> Callable[[H], H]: ...


def inspect_command(function: Any = None, /, **options: Any) -> Any:
    """As ``control_command``, for a command that only tells."""
    return Panel.register(type="inspect")(function) if function is not None else Panel.register(type="inspect", **options)


def truth(text: str) -> bool:
    """Return the truth that a word of a command line says."""
    found = {**dict.fromkeys(("1", "true", "yes", "on"), True), **dict.fromkeys(("0", "false", "no", "off"), False)}.get(text.lower())
    if found is None:
        raise ValueError(f"{text!r} is neither true nor false")
    return found


def visible_commands(kind: str) -> dict[str, CommandInfo]:
    """Return the commands of a kind (inspect or control) that people are shown, in order of their names."""
    return {name: info for name, info in sorted(Panel.meta.items()) if info.type == kind and info.visible}
