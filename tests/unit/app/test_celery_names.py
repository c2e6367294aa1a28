from __future__ import annotations

import logging

import pytest

from celeriac import Celeriac
from celeriac.app.parts import DisabledBackend, bugreport
from celeriac.app.proxy import CallProxy, maybe_evaluate
from celeriac.contrib.abortable import ABORTED, AbortableAsyncResult, AbortableTask


@pytest.fixture
def app() -> Celeriac:
    return Celeriac("named", broker="memory://named", backend="cache+memory://named", set_as_current=False)


def test_amqp_knows_queues_and_routes(app: Celeriac) -> None:
    app.conf.task_routes = {"proj.*": {"queue": "mine"}}

    assert "celery" == app.amqp.default_queue.name == app.amqp.default_exchange.name
    assert "mine" == app.amqp.queues["mine"].name
    assert app.conf.task_routes == app.amqp.routes


@pytest.mark.parametrize(
    ("name", "remedy"), [("Consumer", "kombu.Connection"), ("send_task_message", "apply_async"), ("nonsense", "has no 'nonsense'")]
)
def test_what_amqp_lacks_has_a_remedy(app: Celeriac, name: str, remedy: str) -> None:
    with pytest.raises(AttributeError, match=remedy):
        getattr(app.amqp, name)


def test_pools_lend_this_processes_connection(app: Celeriac) -> None:
    with app.pool.acquire(block=True) as connection, app.producer_pool.acquire() as producer:
        connection.ensure_connection(max_retries=3)

        assert ("memory", "memory") == (connection.transport_cls, producer.connection.transport.driver_type)
        with pytest.raises(AttributeError, match=r"no 'default_channel'.*kombu\.Connection"):
            _ = connection.default_channel
    app.pool.force_close_all()


def test_the_loader_imports_and_reads_words(app: Celeriac) -> None:
    assert logging is app.loader.import_module("logging")
    assert {"worker_prefetch_multiplier": 3} == app.loader.cmdline_config_parser(["worker.prefetch_multiplier=3"])
    app.config_from_cmdline(["worker.prefetch_multiplier=3"])
    assert 3 == app.conf.worker_prefetch_multiplier == app.either("worker_prefetch_multiplier", None, None)
    assert 4 == app.either("worker_prefetch_multiplier", None, 4)


def test_subclasses_know_the_application(app: Celeriac) -> None:
    made = app.subclass_with_self("celeriac.control:Control", name="Mine")

    assert (app, "Mine") == (made.app, made.__name__)


def test_times_are_in_utc_unless_a_zone_is_set(app: Celeriac) -> None:
    assert app.uses_utc_timezone()
    app.conf.timezone = "Europe/Berlin"
    assert not app.uses_utc_timezone()


def test_no_result_store_is_a_disabled_one() -> None:
    app = Celeriac("without", broker="memory://", set_as_current=False)

    assert isinstance(app.backend, DisabledBackend)
    assert "broker:memory://" in bugreport(app)


def test_a_proxy_stands_for_what_a_call_returns() -> None:
    found = CallProxy(lambda a, b=0: [a, b], (1,), {"b": 2})

    assert [1, 2] == found == maybe_evaluate(found)
    assert 3 == maybe_evaluate(3)


def test_a_task_sees_that_it_was_asked_to_stop(app: Celeriac) -> None:
    @app.task(bind=True, base=AbortableTask)
    def long(self: AbortableTask) -> bool:
        return self.is_aborted()

    result = long.apply_async()
    assert not long.is_aborted(task_id=result.id)
    asked = AbortableAsyncResult(result.id, app=app)
    asked.abort()

    assert long.is_aborted(task_id=result.id)
    assert asked.is_aborted()
    assert ABORTED == app.AsyncResult(result.id).state


def test_the_router_tells_the_options_of_a_call(app: Celeriac) -> None:
    app.conf.task_routes = {"proj.add": {"queue": "mine", "priority": 3}, "proj.far": {"exchange": "else", "routing_key": "there"}}

    found = app.amqp.router.route({"priority": 5}, "proj.add")
    assert ("mine", 5) == (found["queue"].name, found["priority"])
    assert {"exchange": "else", "routing_key": "there"} == app.amqp.router.route({}, "proj.far", (1,), {})
    assert "celery" == app.amqp.router.route({}, "proj.other")["queue"].name
