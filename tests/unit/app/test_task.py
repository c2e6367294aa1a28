from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from celeriac import Celeriac, Task, current_app, current_task, shared_task
from celeriac.exceptions import DuplicateTaskNameWarning, EncodeError, NotRegistered
from celeriac.model.envelope import Delivery

Sent = Callable[..., list[Delivery]]


def headers(sent: Sent, queue: str = "celery") -> dict[str, Any]:
    (delivery,) = sent(queue)
    return delivery.envelope.headers


def test_delay_sends_the_arguments(app: Celeriac, sent: Sent) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    result = add.delay(1, y=2)

    (delivery,) = sent()
    assert delivery.envelope.body.startswith(b'[[1], {"y": 2}, {')
    assert (delivery.envelope.headers["id"], delivery.envelope.headers["task"]) == (result.id, f"{__name__}.add")


def test_wrong_arguments_are_refused_where_the_call_is_made(app: Celeriac, sent: Sent) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(bind=True)
    def bound(self: Task, x: int) -> int:
        return x

    @app.task(typing=False)
    def unchecked(x: int) -> int:
        return x

    with pytest.raises(TypeError, match=r"add\(\) missing 1 required positional argument: 'y'"):
        add.delay(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"bound\(\) takes 2 positional arguments but 3 were given"):
        bound.delay(1, 2)  # type: ignore[call-arg]
    unchecked.delay()  # type: ignore[call-arg]

    assert len(sent()) == 1


def test_the_options_become_headers_of_the_protocol(app: Celeriac, sent: Sent) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    add.apply_async((1, 2), task_id="one", expires=60, queue="lo", priority=4, shadow="sum", headers={"tenant": 7}, time_limit=9, ignore_result=True)

    found = headers(sent, "lo")
    expires = datetime.fromisoformat(found["expires"]) - datetime.now(UTC)
    assert timedelta(seconds=50) < expires <= timedelta(seconds=60)
    assert {key: found[key] for key in ("id", "shadow", "tenant", "timelimit", "ignore_result")} == {
        "id": "one", "shadow": "sum", "tenant": 7, "timelimit": [9, None], "ignore_result": True,
    }  # fmt: skip


def test_attributes_of_the_task_are_options_of_its_messages_and_the_call_beats_them(app: Celeriac, sent: Sent) -> None:
    @app.task(queue="own", priority=3, time_limit=5, ignore_result=True)
    def one() -> None: ...

    one.delay()
    one.apply_async(queue="other", time_limit=6)

    assert (headers(sent, "own")["timelimit"], headers(sent, "other")["timelimit"]) == ([5, None], [6, None])
    assert one.delay().ignored


def test_a_value_that_cannot_be_sent_is_refused_with_its_place(app: Celeriac) -> None:
    @app.task
    def take(x: Any) -> None: ...

    with pytest.raises(EncodeError, match="args"):
        take.delay({"user": object()})


@pytest.mark.parametrize(("options", "text"), [({"countdown": -(2**40)}, "countdown"), ({"soft_time_limit": 2, "time_limit": 1}, "soft_time_limit")])
def test_options_that_make_no_sense_are_refused(app: Celeriac, options: dict[str, Any], text: str) -> None:
    @app.task
    def one() -> None: ...

    with pytest.raises(ValueError, match=text):
        one.apply_async(**options)


def test_attributes_come_from_the_settings_unless_the_task_says_otherwise(app: Celeriac) -> None:
    @app.task
    def plain() -> None: ...

    @app.task(acks_late=False, serializer="yaml")
    def special() -> None: ...

    app.conf.update(task_acks_late=True, task_time_limit=30)

    assert (plain.acks_late, plain.time_limit, plain.serializer, plain.max_retries) == (True, 30, "json", 3)
    assert (special.acks_late, special.serializer) == (False, "yaml")


def test_a_function_keeps_its_name_text_and_module(app: Celeriac) -> None:
    @app.task
    def documented() -> None:
        """Words."""

    assert (documented.__name__, documented.__doc__, documented.__module__) == ("documented", "Words.", __name__)
    assert repr(documented).startswith(f"<@task: {__name__}.documented of <Celeriac proj at 0x")


def test_a_task_is_called_as_the_function_it_is(app: Celeriac) -> None:
    @app.task(bind=True)
    def who(self: Task, x: int) -> tuple[int, bool]:
        return x, self.request.called_directly

    assert who(3) == (3, True)


def test_class_based_tasks_are_registered_by_class_or_instance(app: Celeriac, sent: Sent) -> None:
    class Sum(Task):
        def __init__(self) -> None:
            self.calls = 0

        def run(self, *numbers: int) -> int:
            self.calls += 1
            return sum(numbers)

    made = app.register_task(Sum)

    assert (made.name, made(1, 2), made.calls, app.tasks[made.name]) == (f"{__name__}.Sum", 3, 1, made)
    made.delay(4)
    assert len(sent()) == 1


def test_base_classes_are_inherited_and_their_handlers_are_called(app: Celeriac) -> None:
    seen: list[Any] = []

    class Base(Task):
        def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
            seen.append((self.name, retval, args))

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            seen.append("called")
            return super().__call__(*args, **kwargs)

    @app.task(base=Base, name="based")
    def based(x: int) -> int:
        return x

    assert based.apply((5,)).get() == 5
    assert seen == ["called", ("based", 5, (5,))]


def test_the_first_of_two_tasks_of_one_name_stays(app: Celeriac) -> None:
    @app.task(name="same")
    def first() -> int:
        return 1

    with pytest.warns(DuplicateTaskNameWarning, match=r"first.*second"):

        @app.task(name="same")
        def second() -> int:
            return 2

    assert second() == 1


def test_names_in_main_use_the_applications_name_or_that_of_the_module_that_runs(app: Celeriac, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = ModuleType("__main__")
    ran.__file__ = "/somewhere/pipeline.py"
    monkeypatch.setitem(sys.modules, "__main__", ran)

    assert app.gen_task_name("add", "__main__") == "proj.add"
    assert Celeriac(set_as_current=False).gen_task_name("add", "__main__") == "pipeline.add"


def test_an_unknown_task_is_not_registered(app: Celeriac) -> None:
    with pytest.raises(NotRegistered, match="nothing"):
        app.tasks["nothing"]


def test_shared_tasks_belong_to_the_current_application(app: Celeriac, sent: Sent) -> None:
    @shared_task(name="everywhere")
    def everywhere(x: int) -> int:
        return x

    other = Celeriac("other", broker="memory://", set_as_current=False)

    everywhere.delay(1)
    assert (everywhere.app, app.tasks["everywhere"].name, other.tasks["everywhere"].app) == (app, "everywhere", other)
    assert headers(sent)["task"] == "everywhere"


def test_annotations_change_attributes_and_handlers(app: Celeriac) -> None:
    seen: list[Any] = []

    @app.task(name="noted")
    def noted() -> None:
        raise ValueError("x")

    app.conf.task_annotations = [
        {"*": {"rate_limit": "9/m"}},
        {"noted": {"on_failure": lambda self, exc, task_id, args, kwargs, einfo: seen.append((self.name, str(exc)))}},
    ]
    app.finalize()
    noted.apply()

    assert (noted.rate_limit, seen) == ("9/m", [("noted", "x")])


def test_the_current_application_and_task_are_known(app: Celeriac) -> None:
    @app.task
    def inside() -> Any:
        return current_task.name, app.current_task.name

    assert current_app.main == "proj"
    assert inside.apply().get() == (f"{__name__}.inside",) * 2
    assert not current_task


def test_another_thread_has_the_same_current_application(app: Celeriac) -> None:
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(current_app.main))
    thread.start()
    thread.join()

    assert seen == ["proj"]


def test_calls_inside_a_task_belong_to_its_tree(app: Celeriac, start_worker: Callable[[], Any]) -> None:
    @app.task
    def child() -> int:
        return 1

    @app.task(bind=True)
    def parent(self: Task) -> list[Any]:
        return [self.request.root_id, child.delay().id]

    start_worker()
    result = parent.delay()
    root, child_id = result.get(timeout=5)

    assert (root, [found.id for found in result.children or ()]) == (result.id, [child_id])
    assert app.AsyncResult(child_id).get(timeout=5) == 1


def test_a_task_can_be_replaced(app: Celeriac, start_worker: Callable[[], Any]) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(bind=True)
    def instead(self: Task, x: int) -> int:
        return int(self.replace(add.s(x, 10) | add.s(100)))

    start_worker()

    assert (instead.s(1) | add.s(1000)).apply_async().get(timeout=5) == 1111
    assert instead.apply((1,)).get() == 111


def test_the_base_class_of_all_tasks_can_be_another(sent: Sent) -> None:
    class Base(Task):
        kind = "mine"

    app = Celeriac("x", broker="memory://", set_as_current=False, task_cls=Base)
    named = Celeriac("y", broker="memory://", set_as_current=False, task_cls="celeriac.app.task:Task")

    @app.task
    def one() -> None: ...

    assert (one.kind, isinstance(one, Base), app.Task.app, issubclass(named.Task, Task)) == ("mine", True, app, True)  # type: ignore[attr-defined]


def test_a_task_without_application_belongs_to_the_current_one(app: Celeriac) -> None:
    class Loose(Task):
        def run(self) -> int:
            return 1

    assert (Loose().app, Loose().acks_late, Loose()()) == (app, False, 1)


def test_a_function_that_is_executed_again_takes_the_place_of_its_former_self(app: Celeriac) -> None:
    source = "def cell(): return {}"
    places: list[dict[str, Any]] = [{"__name__": "notebook"}, {"__name__": "notebook"}]
    for number, place in enumerate(places):
        exec(source.format(number), place)
        app.task(place["cell"])

    assert app.tasks["notebook.cell"]() == 1
    assert app.task(places[1]["cell"]) is app.tasks["notebook.cell"]


def test_a_callable_without_a_name_needs_one(app: Celeriac) -> None:
    partial = functools.partial(int, base=2)

    with pytest.raises(TypeError, match=r"give the task one: @app\.task\(name="):
        app.task(partial)
    assert app.task(name="binary")(partial)("101") == 5


def test_annotations_count_from_the_first_message_on() -> None:
    app = Celeriac("annotated", broker="memory://annotated", task_annotations={"annotated.task": {"queue": "theirs"}}, set_as_current=False)

    @app.task(name="annotated.task")
    def task() -> None:
        """Do nothing."""

    task.delay()

    assert 1 == app.broker.depth("theirs")
