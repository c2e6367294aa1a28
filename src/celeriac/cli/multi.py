"""``celeriac multi``: several workers on this machine, by name."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import click

from celeriac.cli.context import Command, Context
from celeriac.cli.daemon import holder, lives
from celeriac.cli.multi_nodes import Node, Words, nodes_of, split
from celeriac.cli.worker import worker
from celeriac.lib.nodenames import node_format

_FOLDERS = ("/var/run/celery", "/var/log/celery")
_LOOK_AGAIN = 0.1
_SIGNALS = {name for each in signal.Signals for name in (f"-{each.name}", f"-{each.name.removeprefix('SIG')}", f"-{each.value}", f"--{each.name}")}

HELP = """Start, stop and restart several workers on this machine.

    \b
  celery multi start 3 -A proj -l info             celery1, celery2 and celery3
  celery multi start image video@%h -c 3 -c:image 10
  celery multi start 5 -Q:1-3 images,video -Q default --pidfile=run/%n.pid --logfile=log/%n%I.log
  celery multi restart 3 -A proj -l info           with the same arguments: they are not kept
  celery multi stop 3 [-TERM]                      warmly; stopwait waits until they have ended
  celery multi kill 3                              at once
  celery multi show 3 -c 3                         the commands that would run
  celery multi names|expand TEMPLATE|get NODE ...  names, a template for each (%n %h %p), one node's command

Options behind the nodes are the workers'; -c:1-3,5 10 or -c:image 10 is for some of them. Of multi itself: --range-prefix=celery, --hostname=HOST,
--cmd="python -m celery worker", --append=TEXT, --executable=PYTHON, -q. Pid and log files are %n.pid and %n%I.log in /var/run/celery and
/var/log/celery if these folders may be written, else in this one; stop and restart find a worker by its pid file.
"""


class Cluster:
    """The nodes of one command line."""

    def __init__(self, context: Context, words: Words, before: Sequence[str]) -> None:
        self._context = context
        self._words = words
        self._before = before
        self.nodes = nodes_of(words, _defaults())

    def say(self, text: str) -> None:
        """Print, unless it is to be quiet."""
        if not {"-q", "--quiet"} & self._words.own.keys() and not self._context.quiet:
            self._context.echo(text)

    def command(self, node: Node) -> list[str]:
        """Return the command that starts a node."""
        own = self._words.own
        python = own.get("--executable") or sys.executable
        module = "celery" if "celery" in sys.modules else "celeriac"
        base = shlex.split(own["--cmd"]) if own.get("--cmd") else [python, "-m", module, "worker"]
        end = shlex.split(own.get("--append", ""))
        return [*base, "--detach", *self._before, *node.words(), *end, *(("--", *self._words.rest) if self._words.rest else ())]

    def start(self, nodes: Sequence[Node]) -> int:
        """Start nodes; return the number of those that did not start."""
        failed = 0
        for node in nodes:
            for path in (node.pidfile, node_format(node.option("--logfile", "-f") or "", node.name)):
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            status = subprocess.call(self.command(node))
            self.say(f"\t> {node.name}: {'OK' if status == 0 else f'FAILED (exit status {status})'}")
            failed += status != 0
        return failed

    def stop(self, number: int) -> list[tuple[Node, int]]:
        """Send a signal to each node; return those that it reached, with their process ids."""
        reached = []
        for node in self.nodes:
            pid = holder(node.pidfile)
            if pid is None or not lives(pid):
                self.say(f"> {node.name}: DOWN")
                continue
            os.kill(pid, number)
            self.say(f"\t> {node.name}: {signal.Signals(number).name.removeprefix('SIG')} -> {pid}")
            reached.append((node, pid))
        return reached

    def wait(self, reached: Sequence[tuple[Node, int]]) -> None:
        """Wait until they have ended."""
        left = list(reached)
        while left:
            for each in [each for each in left if not lives(each[1])]:
                left.remove(each)
                self.say(f"\t> {each[0].name}: ended")
            if left:
                time.sleep(_LOOK_AGAIN)


def _start(cluster: Cluster) -> int:
    cluster.say("> Starting nodes...")
    return min(1, cluster.start(cluster.nodes))


def _stop(cluster: Cluster) -> int:
    cluster.say("> Stopping nodes...")
    cluster.stop(_signal(cluster))
    return 0


def _stopwait(cluster: Cluster) -> int:
    cluster.say("> Stopping nodes...")
    cluster.wait(cluster.stop(_signal(cluster)))
    return 0


def _restart(cluster: Cluster) -> int:
    _stopwait(cluster)
    return _start(cluster)


def _kill(cluster: Cluster) -> int:
    cluster.say("> Killing nodes...")
    reached = cluster.stop(getattr(signal, "SIGKILL", signal.SIGTERM))
    cluster.wait(reached)
    for node, pid in reached:
        if holder(node.pidfile) == pid:
            os.unlink(node.pidfile)
    return 0


def _show(cluster: Cluster) -> int:
    for node in cluster.nodes:
        click.echo(shlex.join(cluster.command(node)))
    return 0


def _names(cluster: Cluster) -> int:
    for node in cluster.nodes:
        click.echo(node.name)
    return 0


_ACTIONS: dict[str, Callable[[Cluster], int]] = {
    "start": _start, "stop": _stop, "stopwait": _stopwait, "stop_verify": _stopwait, "restart": _restart, "kill": _kill,
    "show": _show, "names": _names,
}  # fmt: skip
_AS_THEY_ARE = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_ONE_MORE = ("expand", "get")


@click.command(cls=Command, context_settings=_AS_THEY_ARE, options_metavar="ACTION NODES [WORKER OPTIONS]", help=HELP)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.pass_context
def multi(ctx: click.Context, arguments: tuple[str, ...]) -> int:
    """Do what the first word says with the nodes that the others name."""
    action, *rest = arguments or ("help",)
    if action == "help" or {"--help", "-h"} & set(rest):
        click.echo(ctx.get_help())
        return 0
    more = rest.pop(0) if action in _ONE_MORE and rest else None
    if action not in _ACTIONS and more is None:
        raise click.UsageError(f"multi {action}: there are {', '.join([*_ACTIONS, *_ONE_MORE, 'help'])}; `multi help` tells more", ctx)
    words = split(rest, _flags(), _SIGNALS)
    if not words.names:
        raise click.UsageError(f"multi {action}: name the nodes, or say how many: multi {action} 3", ctx)
    cluster = Cluster(ctx.obj, words, _global_words(ctx))
    if action == "expand":
        for node in cluster.nodes:
            click.echo(node_format(str(more), node.name))
        return 0
    if action == "get":
        return _get(cluster, str(more))
    return _ACTIONS[action](cluster)


def _get(cluster: Cluster, name: str) -> int:
    found = [node for node in cluster.nodes if name in (node.name, node.name.partition("@")[0])]
    if not found:
        raise click.UsageError(f"multi get {name}: there are the nodes {', '.join(node.name for node in cluster.nodes)}")
    click.echo(shlex.join(cluster.command(found[0])))
    return 0


def _signal(cluster: Cluster) -> int:
    name = cluster._words.signal
    if name is None:
        return signal.SIGTERM
    return int(name) if name.isdigit() else signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]


def _flags() -> set[str]:
    """Return the options of a worker that take no value."""
    return {flag for parameter in worker.params if isinstance(parameter, click.Option) and parameter.is_flag for flag in parameter.opts}


def _global_words(ctx: click.Context) -> list[str]:
    """Return the options that stood before the command: they are the workers' too."""
    given = {} if ctx.parent is None else ctx.parent.params
    words = []
    for name in ("app", "broker", "result_backend", "loader", "config", "workdir"):
        if given.get(name):
            words.append(f"--{name.replace('_', '-')}={given[name]}")
    return words


def _defaults() -> list[tuple[str, str]]:
    run, log = (folder if os.access(folder, os.W_OK | os.X_OK) else "" for folder in _FOLDERS)
    return [("--pidfile", os.path.join(run, "%n.pid")), ("--logfile", os.path.join(log, "%n%I.log"))]
