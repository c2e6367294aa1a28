"""A RabbitMQ of one's own: on free ports, with its own cookie, data and logs, gone at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.requirements import lacking

BIN = Path("/usr/lib/rabbitmq/bin")
_AT_ONCE = 24
PLACES = (BIN, Path("/usr/local/sbin"), Path("/opt/rabbitmq/sbin"), Path("/opt/homebrew/sbin"))


def found() -> Path | None:
    """Return the folder of the server's own commands (the ones in the PATH change the user), None when it is not installed."""
    if shutil.which("erl") is None:
        return None
    return next((folder for folder in PLACES if (folder / "rabbitmq-server").exists()), None)


class RabbitServer:
    """One server; ``vhost`` gives every test a virtual host of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = found() or BIN
        self.port = free_port()
        self.node = f"celeriac{self.port}@localhost"
        home = folder / "home"
        home.mkdir(parents=True)
        (folder / "empty").write_text("")
        (folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].\n")
        self.tls_port = free_port()
        settings = ["vm_memory_high_watermark.absolute = 600MB", "disk_free_limit.absolute = 1MB"]
        if certificates(folder):
            files = {name: str(folder / f"{name}.pem") for name in ("ca", "cert", "key")}
            settings += [f"listeners.ssl.default = 127.0.0.1:{self.tls_port}", f"ssl_options.cacertfile = {files['ca']}"]
            # Who shows a certificate may log in by it, as the user that it names (EXTERNAL).
            settings += ["ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = false", "ssl_cert_login_from = common_name"]
            settings += [f"auth_mechanisms.{number} = {name}" for number, name in enumerate(("PLAIN", "AMQPLAIN", "EXTERNAL"), 1)]
            settings += [f"ssl_options.certfile = {files['cert']}", f"ssl_options.keyfile = {files['key']}"]
        (folder / "rabbitmq.conf").write_text("\n".join(settings) + "\n")
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "empty"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            # Schedulers that spin while they wait take the processor from what is measured.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._vhosts: list[str] = []

    def start(self) -> None:
        """Start, and return when connections are taken."""
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(self.bin / "rabbitmq-server")], env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        self.ctl("await_startup", "--timeout", "60")
        self.wait_until_ready()

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Return when the port answers."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl; waits for the node to have its cookie and name first."""
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(
                [str(self.bin / "rabbitmqctl"), "-n", self.node, "-q", *arguments], env=self.environment, capture_output=True, text=True, timeout=90
            )
            if done.returncode == 0:
                return done.stdout
            if time.monotonic() > deadline or arguments[0] != "await_startup":
                raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stderr or done.stdout}")
            time.sleep(0.2)

    def evaluate(self, expression: str) -> str:
        """Run an Erlang expression in the server."""
        return self.ctl("eval", expression).strip()

    def vhost(self) -> str:
        """Return the URL of a virtual host that nobody has used; they are made by the dozen, because rabbitmqctl takes a second to start."""
        if not self._vhosts:
            names = [uuid.uuid4().hex for _ in range(_AT_ONCE)]
            listed = ", ".join(f'<<"{name}">>' for name in names)
            self.evaluate(
                "lists:foreach(fun (V) -> rabbit_vhost:add(V, <<\"test\">>), "
                "rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, V, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>) end, "
                f"[{listed}])."
            )
            self._vhosts = names
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{self._vhosts.pop()}"

    def kill(self) -> None:
        """End the server as a loss of power does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def stop(self) -> None:
        """Stop the server and everything that it started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)
        self._process = None


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def certificates(folder: Path) -> bool:
    """Make an authority (``ca.pem``) and what it signs: ``cert.pem`` and ``key.pem`` for localhost, ``guest.pem`` and ``guest-key.pem`` for a client.

    Returns False where openssl is not installed.
    """
    if shutil.which("openssl") is None:
        return False
    authority = ["req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=an authority of these tests", "-keyout", "ca-key.pem", "-out", "ca.pem"]
    made = [_openssl(folder, *authority)]
    for name, key, subject, extra in (
        ("cert", "key", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"), ("guest", "guest-key", "guest", "extendedKeyUsage=clientAuth"),
    ):  # fmt: skip
        (folder / f"{name}.ext").write_text(f"{extra}\n")
        made.append(_openssl(folder, "req", *_NEW_KEY, "-subj", f"/CN={subject}", "-keyout", f"{key}.pem", "-out", f"{name}.csr"))
        signing = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext"]
        made.append(_openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem"))
    return all(made)


def _openssl(folder: Path, *arguments: str) -> bool:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False).returncode == 0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found_socket:
        found_socket.bind(("127.0.0.1", 0))
        return int(found_socket.getsockname()[1])


@contextlib.contextmanager
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A server in a folder of its own, stopped in the end."""
    if found() is None:
        lacking("RabbitMQ is not installed (rabbitmq-server was looked for beside rabbitmqctl)")
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A running server for all tests of a session."""
    with running_server(tmp_path_factory) as server:
        yield server
