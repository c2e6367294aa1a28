"""Serializers by name and content type: json, msgpack, yaml, pickle, raw, and what plug-ins add."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from celeriac.lib.value import Value
from celeriac.model.errors import ContentDisallowed, DecodeError, EncodeError, ImproperlyConfigured, MissingExtra
from celeriac.wire import json_codec, pickling
from celeriac.wire.misfits import explain

register_type = json_codec.register_type
JSON = "application/json"
DATA = "application/data"

_BINARY = ("binary", "ascii-8bit")
_ENTRY_POINTS = ("celeriac.serializers", "kombu.serializers")


class Codec(Value, frozen=True):
    """One serializer: ``encode`` gives bytes or text, ``decode`` takes bytes, or text when it was registered from outside as a text format."""

    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    content_type: str
    content_encoding: str
    takes_text: bool = False


_by_name: dict[str, Codec] = {}
_by_type: dict[str, Codec] = {}
_plugins_loaded = False


def dumps(value: Any, serializer: str, *, names: tuple[str, ...] = ()) -> tuple[str, str, bytes]:
    """Encode a value; return its content type, content encoding and bytes.

    Raises EncodeError that says which part cannot be written (``names`` name the places of a list), ImproperlyConfigured for an unknown serializer.
    """
    codec = _by_name.get(serializer) or _find(serializer)
    try:
        body = codec.encode(value)
    except MissingExtra:
        raise
    except Exception as error:
        raise EncodeError(explain(codec.name, value, codec.encode, names, error)) from error
    if codec.name == "raw" and isinstance(value, str):
        return codec.content_type, "utf-8", body
    return codec.content_type, codec.content_encoding, body if isinstance(body, bytes) else body.encode("utf-8")


def loads(body: bytes, content_type: str, content_encoding: str, accept: frozenset[str] | None) -> Any:
    """Decode a body; ``accept`` holds the content types that may be read, None means all of them.

    Raises ContentDisallowed, or DecodeError when the body is malformed.
    """
    if accept is not None and content_type not in accept and content_type and content_type != DATA:
        raise ContentDisallowed(_refusal(content_type, accept))
    if content_type == JSON and body:
        try:
            return json_codec.decode(body)
        except Exception as error:
            raise DecodeError(f"The body is not valid {content_type}: {error}") from error
    return _loads_other(body, content_type or DATA, content_encoding)


def content_types(names: Iterable[str]) -> frozenset[str]:
    """Return the content types of serializer names or content types, as ``accept_content`` lists them."""
    return frozenset(name if "/" in name else _find(name).content_type for name in names)


def register(
    name: str,
    encoder: Callable[[Any], Any] | None,
    decoder: Callable[[Any], Any] | None,
    content_type: str,
    content_encoding: str = "utf-8",
) -> None:
    """Add or replace a serializer; a ``decoder`` of a text encoding is given text, one of ``binary`` bytes."""
    takes_text = content_encoding not in _BINARY
    codec = Codec(name, encoder or _refuses("written"), decoder or _refuses("read"), content_type, content_encoding, takes_text)
    _by_name[name] = codec
    _by_type[content_type] = codec


def unregister(name: str) -> None:
    """Remove a serializer; raises ImproperlyConfigured when there is none of that name."""
    codec = _find(name)
    del _by_name[codec.name]
    if _by_type.get(codec.content_type) is codec:
        del _by_type[codec.content_type]


def size(value: Any, serializer: str) -> int | None:
    """Return how many bytes a value takes, or None when the serializer cannot write it."""
    codec = _find(serializer)
    try:
        body = codec.encode(value)
    except (Exception, SystemExit):
        return None
    return len(body if isinstance(body, bytes) else body.encode("utf-8"))


def _find(name: str) -> Codec:
    codec = _by_name.get(name) or _by_type.get(name)
    if codec is None:
        _load_plugins()
        codec = _by_name.get(name) or _by_type.get(name)
    if codec is None:
        near = difflib.get_close_matches(str(name), _by_name, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ImproperlyConfigured(f"There is no serializer {name!r}. {hint}Known: {', '.join(sorted(_by_name))}.")
    return codec


def _load_plugins() -> None:
    global _plugins_loaded
    if _plugins_loaded:
        return
    _plugins_loaded = True
    # Imported only now: it takes 20 ms, a quarter of what importing this whole package may take.
    metadata = importlib.import_module("importlib.metadata")
    for group in _ENTRY_POINTS:
        for entry in metadata.entry_points(group=group):
            if entry.name not in _by_name:
                register(entry.name, *entry.load())


def _loads_other(body: bytes, content_type: str, content_encoding: str) -> Any:
    codec = _by_type.get(content_type)
    if codec is None and content_type != DATA:
        _load_plugins()
        codec = _by_type.get(content_type)
    if codec is None or codec.name == "raw" or not body:
        return _as_text(body, content_encoding) if body or content_encoding not in _BINARY else body
    try:
        return codec.decode(_as_text(body, content_encoding) if codec.takes_text else body)
    except (MissingExtra, DecodeError):
        raise
    except Exception as error:
        raise DecodeError(f"The body is not valid {content_type}: {error}") from error


def _as_text(body: bytes, content_encoding: str) -> Any:
    encoding = (content_encoding or "utf-8").lower()
    if encoding in _BINARY:
        return body
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise DecodeError(f"The body is not text in {encoding}: {error}") from error


def _refusal(content_type: str, accept: frozenset[str]) -> str:
    codec = _by_type.get(content_type)
    name = f"{codec.name} ({content_type})" if codec else content_type
    return (
        f"Refusing to read content of type {name}: accepted are {', '.join(sorted(accept)) or 'none'}. "
        f"If you trust everybody who can write to the broker, add {codec.name if codec else content_type!r} to the setting accept_content."
    )


def _refuses(what: str) -> Callable[[Any], Any]:
    def refuse(_value: Any) -> Any:
        raise TypeError(f"this serializer cannot be {what}")

    return refuse


_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


def _plain(value: Any) -> Any:
    """Return a value as MessagePack has it; msgspec would write dates, sets and classes too, in ways that other readers do not turn back."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, dict):
        return {_plain(key): _plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(child) for child in value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{kind.__qualname__} has no MessagePack form")


def _msgpack_encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(_plain(value))


def _yaml() -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError as error:
        raise MissingExtra("The yaml serializer needs PyYAML: install celeriac[yaml].") from error


def _yaml_encode(value: Any) -> bytes:
    text: str = _yaml().dump(value, Dumper=_yaml_dumper())
    return text.encode("utf-8")


@functools.cache
def _yaml_dumper() -> Any:
    """Return a dumper that writes what is a dict or a list (signatures, say) as that."""
    yaml = _yaml()
    dumper: Any = type("Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {})
    dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
    dumper.add_multi_representer(list, yaml.SafeDumper.represent_list)
    return dumper


def _yaml_decode(body: bytes) -> Any:
    yaml = _yaml()
    return yaml.load(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _raw_encode(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError("raw content is bytes or text")


def _add(name: str, encode: Callable[[Any], Any], decode: Callable[[Any], Any], content_type: str, content_encoding: str) -> None:
    _by_name[name] = _by_type[content_type] = Codec(name, encode, decode, content_type, content_encoding)


_add("json", json_codec.encode, json_codec.decode, JSON, "utf-8")
_add("msgpack", _msgpack_encode, msgspec.msgpack.decode, "application/x-msgpack", "binary")
_add("yaml", _yaml_encode, _yaml_decode, "application/x-yaml", "utf-8")
_add("pickle", pickling.encode, pickling.decode, "application/x-python-serialize", "binary")
_add("raw", _raw_encode, lambda body: body, DATA, "binary")
