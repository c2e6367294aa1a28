"""Signed messages: ``app.setup_security()``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celeriac.app import state
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import ImproperlyConfigured, MissingExtra

_NEEDED = {"security_key": "the file of the private key", "security_certificate": "the file of its certificate",
           "security_cert_store": "a path with wildcards of the certificates that are accepted"}  # fmt: skip


def setup_security(
    allowed_serializers: Iterable[str] | None = None,
    key: str | None = None,
    key_password: str | bytes | None = None,
    cert: str | None = None,
    store: str | None = None,
    digest: str | None = None,
    serializer: str = "json",
    app: Any = None,
) -> None:
    """Let messages be signed, and only signed ones be read; what is left out comes from the settings ``security_*``.

    Raises ImproperlyConfigured when a setting is missing, ``task_serializer`` is not ``auth``, or ``accept_content`` holds more than it.
    """
    app = state.app_or_default(app)
    conf = app.conf
    values = {
        "security_key": key or conf.security_key,
        "security_certificate": cert or conf.security_certificate,
        "security_cert_store": store or conf.security_cert_store,
    }
    missing = [f"{name} ({_NEEDED[name]})" for name, value in values.items() if not value]
    if missing:
        raise ImproperlyConfigured(f"Signed messages need the settings {', '.join(missing)}")
    allowed = set(allowed_serializers or ())
    more = set(conf.accept_content) - {"auth", "application/data"} - allowed
    if conf.task_serializer != "auth" or more:
        raise ImproperlyConfigured("Signed messages need the settings task_serializer = 'auth' and accept_content = ['auth']")
    password, digest = key_password or conf.security_key_password, digest or conf.security_digest or "sha256"
    _registration()(values["security_key"], password, values["security_certificate"], values["security_cert_store"], digest, serializer, allowed)


def _registration() -> Any:
    try:
        return symbol_by_name("celeriac.wire.signing:register_auth")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        raise MissingExtra("Signed messages need the package cryptography: install celeriac[auth]") from error
