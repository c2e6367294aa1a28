"""What every result store must do, and what those that notify, count chords, keep groups and expire must."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from celeriac.contracts.backend import AnnouncesChords, CountsChords, Expires, FindsDueChords, Notifies, ResultBackend, StoresGroups
from celeriac.model.record import GroupRecord, ResultRecord
from celeriac.testing.conformance.making import Fixtures, MakeBackend, part, record


class BackendSuite(Fixtures):
    """The seam itself."""

    def test_is_a_backend(self, backend: Any) -> None:
        assert isinstance(backend, ResultBackend)

    def test_a_result_is_loaded_as_it_was_stored(self, make_backend: MakeBackend) -> None:
        stored = ResultRecord("t1", "FAILURE", bytes(range(256)), "application/x-msgpack", "binary")
        make_backend().store([stored])

        assert make_backend().load(["t1"]) == {"t1": stored}

    def test_unknown_ids_are_left_out(self, backend: Any) -> None:
        backend.store([record("t1")])

        assert list(backend.load(["t0", "t1", "ünknown'); --"])) == ["t1"]
        assert backend.load([]) == {}

    def test_many_are_stored_and_loaded(self, backend: Any) -> None:
        ids = [f"t{n}" for n in range(1500)]
        backend.store([record(task_id, body=task_id.encode()) for task_id in ids])

        assert {task_id: r.body for task_id, r in backend.load(ids).items()} == {task_id: task_id.encode() for task_id in ids}

    @pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "FAILURE", "REVOKED", "PROGRESS"])
    def test_a_later_state_replaces_an_earlier(self, backend: Any, state: str) -> None:
        backend.store([record(state=state, body=b"1")])

        backend.store([record(state="SUCCESS", body=b"2")])

        assert backend.load(["t1"])["t1"].body == b"2"

    @pytest.mark.parametrize("state", ["STARTED", "RETRY", "FAILURE", "REVOKED", "PROGRESS", "SUCCESS"])
    def test_a_success_is_never_replaced(self, backend: Any, state: str) -> None:
        backend.store([record(body=b"1")])

        backend.store([record(state=state, body=b"2")])

        assert backend.load(["t1"])["t1"].body == b"1"

    def test_the_last_of_one_batch_counts(self, backend: Any) -> None:
        backend.store([record(state="STARTED", body=b"1"), record(state="SUCCESS", body=b"2"), record(state="RETRY", body=b"3")])

        assert backend.load(["t1"])["t1"].body == b"2"

    def test_a_forgotten_result_is_gone_and_may_come_again(self, backend: Any) -> None:
        backend.store([record("t1", body=b"1"), record("t2")])

        backend.forget(["t1", "unknown"])

        assert list(backend.load(["t1", "t2"])) == ["t2"]
        backend.store([record("t1", body=b"2")])
        assert backend.load(["t1"])["t1"].body == b"2"

    def test_threads_may_store_and_load_at_the_same_time(self, backend: Any) -> None:
        def work(name: str) -> None:
            for n in range(50):
                backend.store([record(f"{name}-{n}")])
                assert backend.load([f"{name}-{n}"])

        threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert len(backend.load([f"{name}-{n}" for name in range(4) for n in range(50)])) == 200


class ExpiresSuite(Fixtures):
    """Results that expire; ``Expires``."""

    def test_an_expired_result_is_not_loaded(self, backend: Any, advance: Callable[[float], None]) -> None:
        backend.store([record("short", ttl=1.0), record("long", ttl=100.0), record("for ever")])

        advance(1.5)

        assert set(backend.load(["short", "long", "for ever"])) == {"long", "for ever"}

    def test_an_expired_success_may_be_replaced(self, backend: Any, advance: Callable[[float], None]) -> None:
        backend.store([record(ttl=1.0, body=b"1")])
        advance(1.5)

        backend.store([record(ttl=100.0, body=b"2")])

        assert backend.load(["t1"])["t1"].body == b"2"

    def test_cleanup_removes_what_has_expired(self, backend: Any, advance: Callable[[float], None]) -> None:
        assert Expires in type(backend).__mro__
        backend.store([record(f"t{n}", ttl=1.0) for n in range(30)])
        backend.store([record("keep", ttl=100.0)])
        advance(1.5)

        assert (backend.cleanup(), backend.cleanup()) == (30, 0)
        assert set(backend.load(["keep", "t1"])) == {"keep"}


class NotifiesSuite(Fixtures):
    """``Notifies``."""

    def test_what_is_ready_already_comes_first(self, backend: Any) -> None:
        assert Notifies in type(backend).__mro__
        backend.store([record("t1"), record("t2", state="STARTED")])

        watch = backend.watch(["t1", "t2"])

        assert list(watch.next(10)) == ["t1"]
        assert watch.next(0) == {}
        watch.close()

    def test_a_waiter_is_woken_by_another_client(self, make_backend: MakeBackend) -> None:
        watch = make_backend().watch(["t1"])
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(watch.next(30)))
        thread.start()
        time.sleep(0.05)
        began = time.monotonic()

        make_backend().store([record("t1")])
        thread.join(10)

        assert found == ["t1"]
        assert time.monotonic() - began < 5
        watch.close()

    def test_states_that_are_not_ready_do_not_count(self, backend: Any) -> None:
        watch = backend.watch(["t1"])

        backend.store([record("t1", state="STARTED"), record("other")])

        assert watch.next(0.05) == {}
        backend.store([record("t1", state="FAILURE")])
        assert watch.next(10)["t1"].state == "FAILURE"
        watch.close()

    def test_each_id_comes_once(self, backend: Any) -> None:
        watch = backend.watch(["t1"])
        backend.store([record("t1", state="FAILURE")])
        watch.next(10)

        backend.store([record("t1", state="SUCCESS")])

        assert watch.next(0.05) == {}
        watch.close()

    def test_ids_are_added_from_another_thread(self, backend: Any) -> None:
        watch = backend.watch([])
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(watch.next(30)))
        thread.start()
        time.sleep(0.05)
        backend.store([record("ready")])
        began = time.monotonic()

        watch.add(["ready", "not yet"])
        thread.join(10)

        assert found == ["ready"]
        assert time.monotonic() - began < 5
        watch.close()

    def test_close_wakes_a_waiter_which_gets_nothing(self, backend: Any) -> None:
        watch = backend.watch(["t1"])
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(dict(watch.next(30))))
        thread.start()
        time.sleep(0.05)

        watch.close()
        thread.join(10)

        assert found == [{}]

    def test_closing_the_store_ends_its_watches(self, make_backend: MakeBackend) -> None:
        backend = make_backend()
        watch = backend.watch(["t1"])
        thread = threading.Thread(target=lambda: watch.next(30))
        thread.start()
        time.sleep(0.05)

        backend.close()
        thread.join(10)

        assert not thread.is_alive()

    def test_hundreds_are_waited_for_with_one_watch(self, backend: Any) -> None:
        ids = [f"t{n}" for n in range(300)]
        watch = backend.watch(ids)
        storing = threading.Thread(target=lambda: [backend.store([record(task_id)]) for task_id in ids])
        storing.start()

        found: dict[str, ResultRecord] = {}
        deadline = time.monotonic() + 30
        while len(found) < len(ids) and time.monotonic() < deadline:
            new = watch.next(5)
            assert not new.keys() & found.keys()
            found.update(new)
        storing.join(10)

        assert set(found) == set(ids)
        watch.close()


class ChordsSuite(Fixtures):
    """``CountsChords``."""

    def test_a_chord_falls_due_with_its_last_part_in_order_of_index(self, backend: Any) -> None:
        assert CountsChords in type(backend).__mro__
        assert list(backend.count([part(2)])) == []
        assert list(backend.count([part(0)])) == []

        (due,) = backend.count([part(1)])

        assert (due.group, due.failed) == ("g1", False)
        assert due.parts == (part(0), part(1), part(2))

    def test_a_part_counts_once_however_often_it_is_written(self, backend: Any) -> None:
        assert list(backend.count([part(0), part(0)])) == []
        assert list(backend.count([part(0), part(1)])) == []
        assert len(backend.count([part(2)])) == 1

    def test_a_chord_stays_due_until_done(self, backend: Any) -> None:
        backend.count([part(0), part(1), part(2)])

        assert len(backend.count([part(2)])) == 1
        backend.done(["g1"])
        assert list(backend.count([part(2), part(0)])) == []

    def test_a_failed_part_makes_it_due_at_once_and_once(self, backend: Any) -> None:
        (due,) = backend.count([part(0), part(1, failed=True)])

        assert (due.failed, due.parts) == (True, (part(1, failed=True),))
        backend.done(["g1"])
        assert list(backend.count([part(2), part(1, failed=True)])) == []

    def test_a_part_that_added_others_makes_the_chord_wait_for_them(self, backend: Any) -> None:
        backend.count([part(0, size=2).replace(more=1), part(1, size=2)])

        (due,) = backend.count([part(2, size=2)])

        assert [p.task_id for p in due.parts] == ["t0", "t1", "t2"]

    def test_a_chord_whose_size_is_told_later_waits_for_it(self, backend: Any) -> None:
        told = isinstance(backend, AnnouncesChords)
        if not told:
            pytest.skip("the store is not told of chords")
        assert list(backend.count([part(0, size=0)])) == []
        assert list(backend.count([part(1, size=0)])) == []

        backend.begin("g1", 3, None)

        (due,) = backend.count([part(2, size=0)])
        assert [p.task_id for p in due.parts] == ["t0", "t1", "t2"]

    def test_chords_do_not_mix(self, backend: Any) -> None:
        backend.count([part(0, group="a", size=2), part(0, group="b", size=2)])

        due = backend.count([part(1, group="b", size=2)])

        assert [chord.group for chord in due] == ["b"]

    def test_done_may_come_twice_and_for_unknown_chords(self, backend: Any) -> None:
        backend.count([part(0, size=1)])

        backend.done(["g1", "unknown"])
        backend.done(["g1"])

        assert list(backend.count([part(0, size=1)])) == []

    def test_counted_by_many_it_falls_due_once(self, make_backend: MakeBackend) -> None:
        fired: list[str] = []

        def finish(backend: Any, mine: range) -> None:
            for index in mine:
                fired.extend(due.group for due in backend.count([part(index, size=80)]))

        threads = [threading.Thread(target=finish, args=(make_backend(), range(n, 80, 4))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert fired == ["g1"]


class DueChordsSuite(Fixtures):
    """``FindsDueChords``."""

    def test_a_chord_is_found_from_its_last_part_until_it_is_done(self, backend: Any) -> None:
        assert FindsDueChords in type(backend).__mro__
        backend.count([part(0), part(1), part(0, group="open")])
        assert list(backend.due()) == []
        backend.count([part(2)])

        (due,) = backend.due()

        assert (due.group, due.failed, due.parts) == ("g1", False, (part(0), part(1), part(2)))
        assert list(backend.count([due.parts[-1]])) == [due]
        backend.done(["g1"])
        assert list(backend.due()) == []

    def test_one_that_has_failed_is_found(self, backend: Any) -> None:
        backend.count([part(0), part(1, failed=True)])

        (due,) = backend.due()

        assert (due.failed, due.parts) == (True, (part(1, failed=True),))

    def test_no_more_are_returned_than_asked_for(self, backend: Any) -> None:
        backend.count([part(0, group=f"g{n}", size=1) for n in range(5)])

        assert (len(backend.due(3)), len(backend.due())) == (3, 5)


class GroupsSuite(Fixtures):
    """``StoresGroups``."""

    def test_groups_are_kept_replaced_and_forgotten(self, backend: Any) -> None:
        assert StoresGroups in type(backend).__mro__
        backend.store_groups([GroupRecord("g1", b"1"), GroupRecord("g2", b"2", "application/x-msgpack", "binary")])
        backend.store_groups([GroupRecord("g1", b"3")])

        assert backend.load_group("g1") == GroupRecord("g1", b"3")
        assert backend.load_group("g2") == GroupRecord("g2", b"2", "application/x-msgpack", "binary")
        backend.forget_groups(["g1", "unknown"])
        assert backend.load_group("g1") is None

    def test_an_expired_group_is_gone(self, backend: Any, advance: Callable[[float], None]) -> None:
        backend.store_groups([GroupRecord("g1", b"1", ttl=1.0)])

        advance(1.5)

        assert backend.load_group("g1") is None
