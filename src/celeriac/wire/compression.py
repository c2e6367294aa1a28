"""Compression of bodies, by Celery's names and content types."""

from __future__ import annotations

import difflib
import importlib
import zlib
from collections.abc import Callable
from typing import Any

from celeriac.lib.value import Value
from celeriac.model.errors import DecodeError, ImproperlyConfigured, MissingExtra

LIMIT = 1 << 30
"""Bytes to which a body may expand; beyond that it is taken for a decompression bomb."""


class Method(Value, frozen=True):
    """One way to compress; ``expand`` takes the bytes and the largest size that may come out of it."""

    content_type: str
    compress: Callable[[bytes], bytes]
    expand: Callable[[bytes, int], bytes]


def compress(body: bytes, method: str) -> tuple[bytes, str]:
    """Compress a body; return it with the content type that goes into the ``compression`` header."""
    found = _find(method)
    return found.compress(body), found.content_type


def decompress(body: bytes, method: str, *, limit: int = LIMIT) -> bytes:
    """Expand a body; raises DecodeError when it is damaged or grows beyond ``limit`` bytes."""
    found = _find(method)
    try:
        return found.expand(body, limit)
    except (MissingExtra, DecodeError):
        raise
    except Exception as error:
        raise DecodeError(f"The body cannot be expanded as {found.content_type}: {error}") from error


def content_type(method: str) -> str:
    """Return the content type of a method's name; raises ImproperlyConfigured for an unknown one."""
    return _find(method).content_type


def _find(method: str) -> Method:
    found = _methods.get(method)
    if found is None:
        near = difflib.get_close_matches(str(method), _methods, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ImproperlyConfigured(f"There is no compression {method!r}. {hint}Known: {', '.join(sorted(n for n in _methods if '/' not in n))}.")
    return found


def _rare(module: str) -> Any:
    # Imported when first used: few programs compress with them, and every program imports this module.
    return importlib.import_module(module)


def _bounded(body: bytes, limit: int, make: Callable[[], Any]) -> bytes:
    machine = make()
    out: bytes = machine.decompress(body, limit + 1)
    if len(out) > limit:
        raise _bomb(limit)
    if not machine.eof:
        raise DecodeError("The compressed body ends too early.")
    return out


def _bomb(limit: int) -> DecodeError:
    return DecodeError(f"The compressed body expands to more than {limit} bytes; it is taken for a decompression bomb.")


def _extra(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(f"The {name} compression needs the package {module}: install celeriac[{name}].") from error


def _brotli_expand(body: bytes, limit: int) -> bytes:
    machine = _extra("brotli", "brotli").Decompressor()
    out = bytearray(machine.process(body, output_buffer_limit=limit + 1))
    while len(out) <= limit and not machine.can_accept_more_data():
        out += machine.process(b"", output_buffer_limit=limit + 1 - len(out))
    if len(out) > limit:
        raise _bomb(limit)
    if not machine.is_finished():
        raise DecodeError("The compressed body ends too early.")
    return bytes(out)


def _zstd_expand(body: bytes, limit: int) -> bytes:
    library = _extra("zstandard", "zstd")
    size: int = library.frame_content_size(body)
    with library.ZstdDecompressor().stream_reader(body) as reader:
        out: bytes = reader.read(limit + 1)
    if len(out) > limit:
        raise _bomb(limit)
    if len(out) < size:
        raise DecodeError("The compressed body ends too early.")
    return out


_AUTODETECT = zlib.MAX_WBITS | 32
_GZIP = Method("application/x-gzip", zlib.compress, lambda body, limit: _bounded(body, limit, lambda: zlib.decompressobj(_AUTODETECT)))
_BZIP2 = Method(
    "application/x-bz2", lambda body: bytes(_rare("bz2").compress(body)), lambda b, limit: _bounded(b, limit, _rare("bz2").BZ2Decompressor)
)
_LZMA = Method(
    "application/x-lzma", lambda body: bytes(_rare("lzma").compress(body)), lambda b, limit: _bounded(b, limit, _rare("lzma").LZMADecompressor)
)
_BROTLI = Method("application/x-brotli", lambda body: bytes(_extra("brotli", "brotli").compress(body)), _brotli_expand)
_ZSTD = Method("application/zstd", lambda body: bytes(_extra("zstandard", "zstd").ZstdCompressor().compress(body)), _zstd_expand)

_methods: dict[str, Method] = {
    **dict.fromkeys(("gzip", "zlib", "application/x-gzip"), _GZIP),
    **dict.fromkeys(("bzip2", "bzip", "application/x-bz2"), _BZIP2),
    **dict.fromkeys(("lzma", "xz", "application/x-lzma"), _LZMA),
    **dict.fromkeys(("brotli", "application/x-brotli"), _BROTLI),
    **dict.fromkeys(("zstd", "zstandard", "application/zstd"), _ZSTD),
}
