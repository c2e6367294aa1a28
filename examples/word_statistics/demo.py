"""Word statistics of the Python standard library: one task a file, two task processes, no server. Run it with ``make demo``."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from celeriac.exceptions import TimeoutError as ResultTimeout
from celeriac.results import AsyncResult
from words import count_words

HERE = Path(__file__).resolve().parent
PATIENCE = 60.0
Worker = subprocess.Popen[bytes]


def source_files() -> list[str]:
    """Find the standard library's own modules; what was installed beside them is not part of it."""
    library = Path(sysconfig.get_path("stdlib"))
    found = (path for path in library.rglob("*.py") if not {"site-packages", "dist-packages"} & set(path.parts))
    return sorted(str(path) for path in found)


@contextmanager
def running_worker() -> Iterator[Worker]:
    """Run ``celeriac -A words worker -c 2`` and stop it as its user would; what it says is shown when it fails."""
    command = [str(Path(sys.executable).parent / "celeriac"), "-A", "words", "worker", "-c", "2", "-l", "info"]
    with tempfile.TemporaryFile() as log:
        worker = subprocess.Popen(command, cwd=HERE, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield worker
            worker.terminate()
            code = worker.wait(PATIENCE)
            if code:
                raise click.ClickException(f"The worker ended with {code}.")
        except BaseException:
            worker.kill()
            worker.wait()
            log.seek(0)
            click.echo(log.read()[-4000:], err=True)
            raise


def wait_for(result: AsyncResult[dict[str, int]], worker: Worker) -> dict[str, int]:
    """Wait for one result, as long as there is a worker that may bring it."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return result.get(timeout=1.0)
        except ResultTimeout:
            if worker.poll() is not None or time.monotonic() > end:
                raise click.ClickException(f"No result for task {result.id}: see the worker's output above.") from None


def merge(results: list[AsyncResult[dict[str, int]]], worker: Worker) -> Counter[str]:
    """Collect all results under a progress bar and add them up."""
    total: Counter[str] = Counter()
    with click.progressbar(results, label="Counting words", show_pos=True) as bar:
        for result in bar:
            total.update(wait_for(result, worker))
            result.forget()
    return total


@click.command()
@click.option("--files", "limit", type=int, help="Take only the first so many files.")
@click.option("--top", default=15, show_default=True, help="How many words to show.")
def main(limit: int | None, top: int) -> None:
    """Count the words of Python's standard library with a real worker of two task processes."""
    paths = source_files()[:limit]
    with running_worker() as worker:
        click.echo(f"Worker {worker.pid} runs on {click.style(count_words.app.broker_url, bold=True)}")
        wait_for(count_words.delay(paths[0]), worker)
        begin = time.perf_counter()
        total = merge([count_words.delay(path) for path in paths], worker)
        seconds = time.perf_counter() - begin
    click.echo(f"\nThe {top} most frequent words of {sum(total.values()):,} ({len(total):,} different):")
    for word, count in total.most_common(top):
        click.echo(f"  {word:<14}{count:>9,}  {'#' * round(40 * count / total.most_common(1)[0][1])}")
    click.echo(f"\n{len(paths):,} files in {seconds:.2f} s: {len(paths) / seconds:,.0f} tasks per second. The worker has stopped.")


if __name__ == "__main__":
    main()
