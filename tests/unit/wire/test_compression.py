from __future__ import annotations

import gzip
import sys

import pytest

from celeriac.model.errors import DecodeError, ImproperlyConfigured, MissingExtra
from celeriac.wire.compression import compress, content_type, decompress

METHODS = ["gzip", "zlib", "bzip2", "bzip", "lzma", "xz", "brotli", "zstd", "zstandard"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [b"", b"x", b"task " * 100_000])
def test_every_method_gives_back_what_it_was_given(method: str, body: bytes) -> None:
    packed, header = compress(body, method)

    assert decompress(packed, header) == body
    assert content_type(method) == header


@pytest.mark.parametrize("method", METHODS)
def test_a_bomb_is_stopped_at_the_limit(method: str) -> None:
    packed, header = compress(bytes(1_000_000), method)

    assert decompress(packed, header, limit=1_000_000) == bytes(1_000_000)
    with pytest.raises(DecodeError, match="999999 bytes"):
        decompress(packed, header, limit=999_999)


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_or_cut_body_is_a_decode_error(method: str) -> None:
    packed, header = compress(b"task " * 1000, method)

    for damaged in (packed[: len(packed) // 2], b"garbage" * 10):
        with pytest.raises(DecodeError):
            decompress(damaged, header)


def test_gzip_files_are_read_too() -> None:
    assert decompress(gzip.compress(b"abc"), "gzip") == b"abc"


def test_an_unknown_method_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'gzip'"):
        compress(b"", "gzipp")


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)

    with pytest.raises(MissingExtra, match=r"celeriac\[brotli\]"):
        compress(b"x", "brotli")
