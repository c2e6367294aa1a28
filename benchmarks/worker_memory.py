"""How much memory a worker with sixteen task processes takes, ours beside Celery's: ``python -m benchmarks.worker_memory``.

An ordinary application (HTTP, e-mail, SQLAlchemy, JSON) on a Redis of its own. Counted is PSS (memory that processes share is divided among
them) over all processes of the worker, when it is ready and after each process has run tasks.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PROCESSES = 16
TASKS = 2_000
_APP = """
import decimal, email.message, html.parser, http.client, json, sqlite3, ssl, urllib.request, uuid, xml.etree.ElementTree
import sqlalchemy, sqlalchemy.orm
from {package} import {name}

URL = "{url}"
app = {name}("shop", broker=URL, backend=URL)
TABLE = {{number: str(uuid.uuid4()) for number in range(20_000)}}

@app.task(name="shop.price")
def price(order):
    order = json.loads(json.dumps(order))
    return float(sum(decimal.Decimal(str(item["price"])) * item["count"] for item in order["items"]))

if __name__ == "__main__":
    order = {{"items": [{{"price": 9.99, "count": n}} for n in range(20)]}}
    results = [price.delay(order) for _ in range({tasks})]
    for result in results:
        result.get(timeout=120)
"""


def pss(pid: int) -> int:
    """Return the proportional set size of a process and everything below it, in KiB."""
    root = psutil.Process(pid)
    total = 0
    for process in (root, *root.children(recursive=True)):
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def measure(package: str, name: str, folder: Path, url: str, python: str) -> tuple[float, float]:
    """Return the PSS (MiB) of a worker that is ready, and of one that has worked."""
    bench = folder / package
    bench.mkdir()
    (bench / "shop.py").write_text(_APP.format(package=package, name=name, url=url, tasks=TASKS))
    log = bench / "log"
    command = [python, "-m", package, "-A", "shop", "worker", "-c", str(PROCESSES), "-l", "info"]
    with log.open("w") as output:
        worker = subprocess.Popen(command, cwd=bench, stdout=output, stderr=output)
    try:
        _wait(lambda: "ready." in log.read_text(), f"{package} is ready")
        _wait(lambda: len(psutil.Process(worker.pid).children(recursive=True)) >= PROCESSES, "all processes are there")
        time.sleep(2.0)
        ready = pss(worker.pid) / 1024
        subprocess.run([python, "shop.py"], cwd=bench, check=True, timeout=300)
        return ready, pss(worker.pid) / 1024
    finally:
        worker.terminate()
        worker.wait(30)


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"Not within a minute: {what}")
        time.sleep(0.05)


def main() -> None:
    """Measure both and print a table."""
    peer = Path(__file__).parents[1] / ".peers" / "celery" / "bin" / "python"
    folder = Path(tempfile.mkdtemp(prefix="memory"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", ""], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        print(f"{'':10}{'ready':>10}{'worked':>10}   MiB PSS, {PROCESSES} task processes")
        for number, (package, name, python) in enumerate((("celeriac", "Celeriac", sys.executable), ("celery", "Celery", os.fspath(peer)))):
            ready, worked = measure(package, name, folder, f"redis://127.0.0.1:{port}/{number}", python)
            print(f"{package:10}{ready:>10.1f}{worked:>10.1f}", flush=True)
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
