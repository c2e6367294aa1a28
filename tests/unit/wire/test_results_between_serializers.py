from __future__ import annotations

import zlib

import pytest

from celeriac.model.errors import EncodeError
from celeriac.model.record import ResultMeta
from celeriac.wire.results import decode_part, decode_result, encode_part, encode_result


def test_what_is_told_of_a_call_is_text_where_the_serializer_cannot_write_it() -> None:
    meta = ResultMeta("t", "SUCCESS", 1, extended={"name": "add", "args": ({1},), "kwargs": {"a": 1}})

    found = decode_result(encode_result(meta, serializer="json"), None)

    assert (found.result, found.extended) == (1, {"name": "add", "args": "({1},)", "kwargs": {"a": 1}})


def test_a_result_that_cannot_be_written_is_still_an_error() -> None:
    meta = ResultMeta("t", "SUCCESS", {1}, extended={"args": ({1},)})

    with pytest.raises(EncodeError, match="result"):
        encode_result(meta, serializer="json")


def test_a_part_that_celery_compressed_is_read() -> None:
    body = encode_part("t", "SUCCESS", [1, 2], serializer="json")

    packed = b"\0celery-compressed\0application/x-gzip\0" + zlib.compress(body)

    assert decode_part(packed, "application/json", "utf-8", None) == ("t", "SUCCESS", [1, 2])
