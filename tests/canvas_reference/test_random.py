"""Random workflows: the worker does what the interpreter says."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from celeriac.testing import start_worker
from tests.canvas_reference.interpreter import interpret
from tests.canvas_reference.real import WAYS, Bench
from tests.canvas_reference.workflows import Workflow, workflows

# Without shrinking: a workflow that hangs would be waited for again and again.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CASES = int(os.environ.get("CELERIAC_CANVAS_CASES", "200"))


@pytest.fixture(scope="module", params=["reference", "inline"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    found = Bench(task_workflow_parts=request.param)
    with start_worker(found.app, loglevel="CRITICAL"):
        yield found
    found.close()


@pytest.mark.timeout(3600)
@settings(max_examples=CASES // 2, deadline=None, derandomize=CASES <= 200, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(workflow=workflows(), args=st.sampled_from(((), (), ("given",))), way=st.sampled_from(WAYS))
def test_a_worker_does_what_the_interpreter_says(bench: Bench, workflow: Workflow, args: tuple[str, ...], way: str) -> None:
    expected = interpret(workflow, args)

    actual = bench.run(workflow, args, way)

    assert (expected.value, expected.calls) == (actual.value, actual.calls)
