from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.exceptions import ContentDisallowed, DecodeError, ImproperlyConfigured, SecurityError
from celeriac.wire import serializers
from celeriac.wire.signing import Certificates, register_auth

GOLDEN = Path(__file__).parents[2] / "golden" / "signed.json"


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What Celery 5.7 has written, with the files of its key and certificate; the serializer is registered with them."""
    golden: dict[str, Any] = json.loads(GOLDEN.read_text())
    files = {"key": tmp_path / "key.pem", "cert": tmp_path / "cert.pem"}
    files["key"].write_text(golden["private_key"])
    files["cert"].write_text(golden["certificate"])
    register_auth(str(files["key"]), None, str(files["cert"]), str(tmp_path / "c*.pem"))
    yield {**golden, **files, "store": str(tmp_path / "c*.pem")}
    serializers.unregister("auth")
    serializers.register("raw", serializers._raw_encode, lambda body: body, serializers.DATA, "binary")


def read(text: str) -> Any:
    return serializers.loads(text.encode(), "application/data", "utf-8", serializers.content_types(["auth"]))


def test_what_celery_has_signed_is_read(signed: dict[str, Any]) -> None:
    assert signed["value"] == read(signed["body"])


def test_what_is_signed_here_has_celerys_form_and_is_read(signed: dict[str, Any]) -> None:
    content_type, encoding, body = serializers.dumps(signed["value"], "auth")
    theirs, ours = (base64.b64decode(text).split(b"\x00\x01") for text in (signed["body"], body))

    assert (signed["content_type"], signed["content_encoding"]) == (content_type, encoding)
    assert theirs[0] == ours[0] == base64.b64encode(b"DE tester 4711")
    assert theirs[2:4] == ours[2:4] == [b"application/json", b"utf-8"]
    assert signed["value"] == read(body.decode())


def test_a_changed_message_is_refused(signed: dict[str, Any]) -> None:
    fields = base64.b64decode(signed["body"]).split(b"\x00\x01")
    forged = base64.b64encode(b"\x00\x01".join([*fields[:4], b"[[2], {}, {}]"])).decode()

    with pytest.raises((SecurityError, DecodeError), match="was changed"):
        read(forged)


def test_a_message_without_a_signature_is_refused(signed: dict[str, Any]) -> None:
    with pytest.raises((SecurityError, DecodeError), match="not signed"):
        read("[[1], {}, {}]")
    with pytest.raises(ContentDisallowed):
        serializers.loads(b"[[1], {}, {}]", "application/json", "utf-8", serializers.content_types(["auth"]))


def test_a_signer_who_is_not_in_the_store_is_refused(signed: dict[str, Any]) -> None:
    with pytest.raises(SecurityError, match="'somebody else 1', whose certificate is not in the store"):
        Certificates.read(signed["store"]).valid("somebody else 1")


def test_an_application_signs_and_reads_its_calls(signed: dict[str, Any]) -> None:
    app = Celeriac(
        "signing", broker="memory://signing", set_as_current=False, task_serializer="auth", accept_content=["auth"],
        security_key=str(signed["key"]), security_certificate=str(signed["cert"]), security_cert_store=signed["store"],
    )  # fmt: skip
    app.setup_security()
    app.send_task("proj.add", (1, 2))
    (delivery,) = app.broker.fetch(["celery"], limit=1, wait=1)

    assert "application/data" == delivery.envelope.content_type
    assert [[1, 2], {}] == read(delivery.envelope.body.decode())[:2]


def test_missing_settings_are_named() -> None:
    app = Celeriac("unsigned", broker="memory://", set_as_current=False)

    with pytest.raises(ImproperlyConfigured, match=r"security_key .* security_certificate .* security_cert_store"):
        app.setup_security()
    with pytest.raises(ImproperlyConfigured, match="task_serializer = 'auth'"):
        app.setup_security(key="k", cert="c", store="s")
