"""The serializer ``auth``: messages with a signature, as Celery writes and reads them.

A message is base64 of five fields with NUL and SOH between them: the signer's name and the signature (base64 each), the content type, the encoding
and the body. The signature is RSA-PSS with the longest salt over the body. The signer's name is the issuer and the serial number of its certificate.
"""

from __future__ import annotations

import base64
import glob
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured, SecurityError
from celeriac.wire import serializers

_BETWEEN = b"\x00\x01"
_FIELDS = 5


class Certificates(Value, frozen=True):
    """The certificates of those whose messages are accepted, by their names."""

    by_signer: dict[str, x509.Certificate]

    @classmethod
    def read(cls, pattern: str) -> "Certificates":
        """Read the PEM files that a path with wildcards names; ``ImproperlyConfigured`` when there is none, SecurityError when one cannot be used."""
        paths = sorted(glob.glob(pattern))
        if not paths:
            raise ImproperlyConfigured(f"security_cert_store: no file is named {pattern!r}; give a path with wildcards, like /etc/proj/certs/*.pem")
        found = [_certificate(path) for path in paths]
        return cls({signer_of(certificate): certificate for certificate in found})

    def valid(self, signer: str) -> x509.Certificate:
        """Return the certificate of a signer; SecurityError when it is unknown, or not valid now."""
        found = self.by_signer.get(signer)
        if found is None:
            raise SecurityError(f"The message is signed by {signer!r}, whose certificate is not in the store (security_cert_store)")
        if not found.not_valid_before_utc <= datetime.now(UTC) <= found.not_valid_after_utc:
            raise SecurityError(f"The certificate of {signer!r} is valid from {found.not_valid_before_utc} to {found.not_valid_after_utc} only")
        return found


class Signed:
    """Signs what it writes with a key, and reads only what somebody of the store has signed."""

    def __init__(self, key: Any, signer: str, store: Certificates, digest: str, serializer: str, accept: frozenset[str]) -> None:
        self._key = key
        self._signer = signer
        self._store = store
        self._digest = _digest(digest)
        self._serializer = serializer
        self._accept = accept

    def encode(self, value: Any) -> bytes:
        """Return a value, written by the inner serializer and signed."""
        content_type, encoding, body = serializers.dumps(value, self._serializer)
        signature = self._key.sign(body, _padding(self._digest), self._digest)
        fields = (base64.b64encode(self._signer.encode()), base64.b64encode(signature), content_type.encode(), encoding.encode(), body)
        return base64.b64encode(_BETWEEN.join(fields))

    def decode(self, text: str) -> Any:
        """Return the value of a signed message; SecurityError when it is not signed, or by nobody of the store."""
        try:
            signer, signature, content_type, encoding, body = base64.b64decode(text, validate=True).split(_BETWEEN, _FIELDS - 1)
            name, sign = base64.b64decode(signer, validate=True).decode(), base64.b64decode(signature, validate=True)
        except ValueError:
            raise SecurityError("The message is not signed: it lacks the five fields of the serializer auth") from None
        public: Any = self._store.valid(name).public_key()
        try:
            public.verify(sign, body, _padding(self._digest), self._digest)
        except (InvalidSignature, UnsupportedAlgorithm):
            raise SecurityError(f"The signature is not that of {name!r}: the message was changed, or signed with another digest or key") from None
        return serializers.loads(body, content_type.decode(), encoding.decode(), self._accept)


def register_auth(
    key: str, key_password: str | bytes | None, cert: str, store: str, digest: str = "sha256", serializer: str = "json", allowed: Iterable[str] = ()
) -> None:
    """Register the serializer ``auth`` with the files of a key, its certificate and the store; inside are ``serializer`` and those allowed."""
    certificate = _certificate(cert)
    accept = serializers.content_types([serializer, *(name for name in allowed if name != "auth")])
    signed = Signed(_private_key(key, key_password), signer_of(certificate), Certificates.read(store), digest, serializer, accept)
    serializers.register("auth", signed.encode, signed.decode, serializers.DATA, "utf-8")


def signer_of(certificate: x509.Certificate) -> str:
    """Return the name under which the owner of a certificate signs."""
    return " ".join([*(str(attribute.value) for attribute in certificate.issuer), str(certificate.serial_number)])


def _padding(digest: hashes.HashAlgorithm) -> padding.PSS:
    return padding.PSS(padding.MGF1(digest), padding.PSS.MAX_LENGTH)


def _digest(name: str) -> hashes.HashAlgorithm:
    found = getattr(hashes, name.upper().replace("-", ""), None)
    if found is None:
        raise ImproperlyConfigured(f"security_digest {name!r} is not known; take sha256, sha384 or sha512")
    made: hashes.HashAlgorithm = found()
    return made


def _certificate(path: str) -> x509.Certificate:
    try:
        with open(path, "rb") as file:
            return x509.load_pem_x509_certificate(file.read())
    except OSError as error:
        raise ImproperlyConfigured(f"The certificate {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SecurityError(f"The certificate {path} is not one in PEM form: {error}") from None


def _private_key(path: str, password: str | bytes | None) -> rsa.RSAPrivateKey:
    secret = password.encode() if isinstance(password, str) else password
    try:
        with open(path, "rb") as file:
            key = serialization.load_pem_private_key(file.read(), secret)
    except OSError as error:
        raise ImproperlyConfigured(f"The key {path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError) as error:
        raise SecurityError(f"The key {path} cannot be used (is security_key_password right?): {error}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SecurityError(f"The key {path} is not an RSA key: signed messages need one")
    return key
