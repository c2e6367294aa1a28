from __future__ import annotations

import signal
import socket

import pytest

from celeriac.cli.multi_nodes import nodes_of, split
from tests.unit.cli.conftest import Run

HOST = socket.gethostname()
FLAGS = {"-E", "-B", "--detach", "--purge"}
SIGNALS = {"-9", "-TERM", "-SIGQUIT"}


def options(line: str, defaults: tuple[tuple[str, str], ...] = ()) -> dict[str, list[str]]:
    return {node.name: node.words() for node in nodes_of(split(line.split(), FLAGS, SIGNALS), defaults)}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("3", [f"celery1@{HOST}", f"celery2@{HOST}", f"celery3@{HOST}"]),
        ("2 --range-prefix=w", [f"w1@{HOST}", f"w2@{HOST}"]),
        ("image video@h2 data@%h", [f"image@{HOST}", "video@h2", f"data@{HOST}"]),
        ("2 --hostname=h.example -c 3", ["celery1@h.example", "celery2@h.example"]),
        ("a 7", [f"a@{HOST}", f"7@{HOST}"]),
    ],
)
def test_names_of_nodes(line: str, names: list[str]) -> None:
    assert names == list(options(line))


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("3 -c 3 -c:1 10", ["10", "3", "3"]),
        ("5 -c 3 -c:1-3 10", ["10", "10", "10", "3", "3"]),
        ("a b c -c 3 -c:a,c 10", ["10", "3", "10"]),
        ("3 -c3 -c:2-3 4", ["3", "4", "4"]),
    ],
)
def test_options_for_some_nodes(line: str, places: list[str]) -> None:
    assert places == [words[words.index("-c") + 1] for words in options(line).values()]


def test_options_keep_their_form_and_flags_take_no_value() -> None:
    (words,) = options("-A proj -E one --purge --time-limit 5 -l info --queues=a,b -- x.y=1").values()

    assert ["-A", "proj", "-E", "--purge", "--time-limit=5", "-l", "info", "--queues=a,b", "-n", f"one@{HOST}"] == words


def test_defaults_fill_in_what_is_not_said() -> None:
    (words,) = options("one -f my.log", (("--pidfile", "%n.pid"), ("--logfile", "%n%I.log"))).values()

    assert ["-f", "my.log", "-n", f"one@{HOST}", "--pidfile=%n.pid"] == words


def test_a_signal_is_no_option() -> None:
    words = split(["2", "-SIGQUIT", "--pidfile=%n.pid"], FLAGS, SIGNALS)

    assert ("SIGQUIT", ("2",)) == (words.signal, words.names)
    assert signal.Signals["SIGQUIT"]


def test_show_prints_the_commands_with_the_options_before_the_command(cli: Run) -> None:
    status, out, _ = cli("-A", "proj", "multi", "show", "2", "-l", "info", "--pidfile=%n.pid", "--logfile=%n.log")

    first, second = out.splitlines()
    assert status == 0
    assert first.endswith(f"worker --detach --app=proj -l info --pidfile=%n.pid --logfile=%n.log -n celery1@{HOST}")
    assert second.endswith(f"-n celery2@{HOST}")


def test_names_expand_and_get(cli: Run) -> None:
    assert f"a@{HOST}\nb@h\n" == cli("multi", "names", "a", "b@h")[1]
    assert "a-h.x.pid\n" == cli("multi", "expand", "%n-%h.pid", "a@h.x")[1]
    assert "-c 9" in cli("multi", "get", "b", "a", "b", "-c", "1", "-c:b", "9")[1]


@pytest.mark.parametrize(("line", "said"), [("bogus 3", "multi bogus: there are start"), ("start", "name the nodes"), ("show 1 -c", "needs a value")])
def test_wrong_use_is_explained(cli: Run, line: str, said: str) -> None:
    status, _, err = cli("multi", *line.split())

    assert status == 2
    assert said in err


@pytest.mark.parametrize("words", ["multi", "multi help", "multi --help", "multi start --help"])
def test_help(cli: Run, words: str) -> None:
    status, out, _ = cli(*words.split())

    assert status == 0
    assert "celery multi start 3 -A proj -l info" in out
