"""Redis over TLS, with certificates of the tests' own: each way in which Celery's users say it, and what is said when it does not fit."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac.drivers.registry import open_backend, open_broker
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.testing.conformance.making import fetch_names, publish, record
from tests.harness.redis_project import RedisProject
from tests.harness.redis_server import RedisServer, free_port
from tests.harness.requirements import lacking

redis = pytest.importorskip("redis")


class Certificates:
    """An authority, what it signed for a server at localhost and for a client, and an authority that signed nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca, self.other_ca = self._authority("ca"), self._authority("other")
        self.server = self._signed("server", "subjectAltName=DNS:localhost")
        self.client = self._signed("client", "extendedKeyUsage=clientAuth")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _authority(self, name: str) -> str:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
        self._openssl("req", "-x509", *key, "-subj", f"/CN={name}", "-days", "2", "-out", f"{name}.pem")
        return str(self.folder / f"{name}.pem")

    def _signed(self, name: str, extension: str) -> tuple[str, str]:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
        self._openssl("req", *key, "-subj", f"/CN={name}", "-out", f"{name}.csr")
        (self.folder / f"{name}.ext").write_text(extension)
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem")
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if shutil.which("openssl") is None:
        lacking("no openssl on this machine")
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_port(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    certificate, key = certificates.server
    files = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificates.ca)
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--tls-port", str(port), *files, "--tls-auth-clients", "yes")
    try:
        server.start()
    except AssertionError:
        lacking("this redis-server has no TLS")
    yield port
    server.stop()


@pytest.fixture
def options(certificates: Certificates) -> dict[str, Any]:
    """As the documentation of Celery has them."""
    certificate, key = certificates.client
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": certificates.ca, "ssl_certfile": certificate, "ssl_keyfile": key}


def test_a_worker_and_a_client_speak_tls(tls_port: int, options: dict[str, Any], make_redis_project: Callable[..., RedisProject]) -> None:
    spelled = {**options, "ssl_cert_reqs": "CERT_REQUIRED"}
    url = f"rediss://localhost:{tls_port}/0"
    project = make_redis_project(url=url, broker_use_ssl=spelled, redis_backend_use_ssl=spelled)
    project.client.conf.update(broker_use_ssl=options, redis_backend_use_ssl=options)
    worker = project.worker("-c", "1")

    results = [project.send("add", number, 1) for number in range(20)]

    assert [result.get(timeout=20) for result in results] == list(range(1, 21)), worker.describe()
    assert project.client.control.ping(timeout=5)


@pytest.mark.parametrize("way", ["in the URL", "unprefixed", "by the scheme redis"])
def test_it_may_be_said_in_several_ways(tls_port: int, options: dict[str, Any], way: str) -> None:
    url, given = f"rediss://localhost:{tls_port}/1", {}
    if way == "in the URL":
        query = {**options, "ssl_cert_reqs": "required"}
        url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    elif way == "unprefixed":
        given = {"ssl": {name.removeprefix("ssl_"): value for name, value in options.items()}}
    else:
        url, given = url.replace("rediss:", "redis:"), {"ssl": options}
    broker = open_broker(url, options=given, owner="w1")
    backend = open_backend(url, options=given)
    assert backend is not None
    broker.connect()
    backend.connect()

    publish(broker, "a")
    backend.store([record("a")])

    assert fetch_names(broker) == ["a"]
    assert list(backend.load(["a"])) == ["a"]
    broker.close()
    backend.close()


def test_certificates_need_not_be_checked(tls_port: int, options: dict[str, Any]) -> None:
    del options["ssl_ca_certs"]
    broker = open_broker(f"rediss://127.0.0.1:{tls_port}/2?ssl_cert_reqs=none", options={**options, "ssl_cert_reqs": "none"}, owner="w1")

    broker.connect()
    broker.close()


@pytest.mark.parametrize(
    ("host", "changed", "said"),
    [
        ("localhost", {"ssl_ca_certs": "other"}, "certificate verify failed"),
        ("localhost", {"ssl_ca_certs": None}, "certificate verify failed"),
        ("127.0.0.1", {}, "not valid for '127.0.0.1'"),
        ("localhost", {"ssl_certfile": None, "ssl_keyfile": None}, "certificate required|EOF occurred|reset by peer"),
        ("localhost", {"ssl_ca_certs": "/nowhere/ca.pem"}, "/nowhere/ca.pem|No such file"),
    ],
)
def test_what_does_not_fit_is_said(
    tls_port: int, certificates: Certificates, options: dict[str, Any], host: str, changed: dict[str, Any], said: str
) -> None:
    given = {**options, **changed}
    if given["ssl_ca_certs"] == "other":
        given["ssl_ca_certs"] = certificates.other_ca
    broker = open_broker(f"rediss://{host}:{tls_port}/0", options={"ssl": given}, owner="w1")

    with pytest.raises((OperationalError, ImproperlyConfigured), match=said):
        broker.connect()


def test_plain_words_to_a_port_that_speaks_tls_are_told_apart(tls_port: int) -> None:
    with celeriac.Celeriac("plain", broker=f"redis://localhost:{tls_port}/0", set_as_current=False) as app:
        app.conf.broker_publish_timeout = 1.0
        with pytest.raises(OperationalError, match=f"localhost:{tls_port}"):
            app.send_task("add")
