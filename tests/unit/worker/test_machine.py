from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker import options
from celeriac.worker.machine import WITHOUT, Machine, machine
from celeriac.worker.packets import Channel

WINDOWS = Machine(fork=False, sockets=False, packets=False, parent_death=False)
MACOS = Machine(packets=False, parent_death=False)


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    machine.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    machine.cache_clear()


def test_without_shared_sockets_the_default_is_threads() -> None:
    assert WINDOWS.pool() == "threads"
    assert MACOS.pool() == "prefork"


def test_prefork_without_shared_sockets_is_refused_with_what_to_take() -> None:
    with pytest.raises(ImproperlyConfigured, match="Take -P threads or -P asyncio"):
        WINDOWS.start_method("fork")


@pytest.mark.parametrize(
    ("here", "wanted", "expected"),
    [
        (Machine(), None, "fork"),
        (Machine(), "spawn", "spawn"),
        (Machine(), "forkserver", "forkserver"),
        (Machine(fork=False), None, "spawn"),
        (Machine(fork=False), "fork", "spawn"),
    ],
)
def test_the_way_in_which_task_processes_begin_is_chosen_in_one_place(here: Machine, wanted: str | None, expected: str) -> None:
    assert expected == here.start_method(wanted)


def test_a_forkserver_without_fork_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="no fork"):
        Machine(fork=False).start_method("forkserver")


def test_this_machine_can_be_made_poorer_than_it_is(forced: pytest.MonkeyPatch) -> None:
    forced.setenv(WITHOUT, "fork, packets")

    assert (machine().fork, machine().packets, machine().sockets) == (False, False, True)
    assert machine().socket_kind == socket.SOCK_DGRAM


def test_a_name_that_means_nothing_is_refused(forced: pytest.MonkeyPatch) -> None:
    forced.setenv(WITHOUT, "forks")

    with pytest.raises(ImproperlyConfigured, match="CELERIAC_WITHOUT names forks; it may name fork, sockets"):
        machine()


def test_options_choose_by_what_the_machine_can_do(forced: pytest.MonkeyPatch) -> None:
    forced.setenv(WITHOUT, "sockets")

    assert options.resolve({}).pool == "threads"
    with pytest.raises(ImproperlyConfigured, match="prefork"):
        options.resolve({}, pool="prefork")


def test_signals_that_do_not_exist_are_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGQUIT")

    assert Machine().ending_signals == (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("without", ["", "packets"])
def test_readers_hear_that_nothing_more_will_come_whatever_the_socket(forced: pytest.MonkeyPatch, without: str) -> None:
    forced.setenv(WITHOUT, without)
    channel = Channel()
    channel.send(b"one")
    channel.end(readers=2)

    assert [channel.receive(), channel.receive(), channel.receive()] == [b"one", b"", b""]
