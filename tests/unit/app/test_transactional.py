"""Calls that go with a transaction, as far as the application has to do with it."""

from __future__ import annotations

import pytest

from celeriac import Celeriac, chain, chord, group
from celeriac.app.parcel import packed, unpacked
from celeriac.contracts.outbox import Outbox
from celeriac.model.errors import ImproperlyConfigured
from celeriac.model.plan import Plan


class Kept(Outbox):
    """Keeps what asks for it."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    def keeps(self, plan: Plan) -> bool:
        asked = any(planned.options.transactional for planned in plan.messages)
        self.plans += [plan] if asked else []
        return asked


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Celeriac:
    name = request.node.name
    made = Celeriac("transactional", broker=f"memory://{name}", backend=f"cache+memory://{name}", set_as_current=False)
    made.task(name="add")(lambda x=1, y=2: x + y)
    made.task(name="careful", transactional=True)(lambda: None)
    return made


def test_without_a_framework_that_has_transactions_it_is_refused(app: Celeriac) -> None:
    with pytest.raises(ImproperlyConfigured, match="transactional=True needs Django's transactions"):
        app.tasks["add"].apply_async(transactional=True)


def test_calls_tasks_and_workflows_may_ask_for_it(app: Celeriac) -> None:
    app.outbox = kept = Kept()
    add = app.tasks["add"]

    add.delay()
    add.apply_async(transactional=True)
    app.tasks["careful"].delay()
    chain(add.s(), add.s()).apply_async(transactional=True)
    group(add.s(), add.s()).apply_async(transactional=True)
    chord([add.s(), add.s()], add.si()).apply_async(transactional=True)

    assert [len(plan.messages) for plan in kept.plans] == [1, 1, 1, 2, 2]
    assert app.broker.depth("celery") == 1


def test_the_option_is_not_part_of_the_message(app: Celeriac) -> None:
    app.outbox = kept = Kept()
    app.tasks["add"].apply_async((1, 2), countdown=10, transactional=True)

    parcel = app.publisher.pack(kept.plans[0])
    assert "transactional" not in {**parcel.outgoing[0].envelope.headers, **parcel.outgoing[0].envelope.properties}
    assert unpacked(packed(parcel)) == parcel
    assert parcel.outgoing[0].due is not None


def test_what_was_packed_is_sent_as_it_was(app: Celeriac) -> None:
    app.outbox = kept = Kept()
    result = group(app.tasks["add"].s(n, n) for n in range(3)).apply_async(transactional=True)

    app.publisher.send_parcels([unpacked(packed(app.publisher.pack(plan))) for plan in kept.plans])
    found = app.broker.fetch(["celery"], limit=10, wait=0.0)
    assert [delivery.envelope.task_id for delivery in found] == [part.id for part in result.results]
