"""A chord whose parts nobody counts and nobody but the caller can read would never be finished: it is refused when it is sent."""

from __future__ import annotations

import pytest

from celeriac import Celeriac, chord, group
from celeriac.contracts.backend import AnswersCallers
from celeriac.exceptions import UnsupportedPower


class Answering(AnswersCallers):
    def prepare_to_answer(self) -> None: ...


def test_a_chord_is_refused_where_results_go_to_the_caller_only(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Celeriac("refused", broker="memory://refused", set_as_current=False)
    monkeypatch.setattr(Celeriac, "result_backend", Answering())
    add = app.task(lambda x, y=0: x + y, name="refused.add")

    for workflow in (chord([add.s(1), add.s(2)], add.s(3)), group(add.s(1), add.s(2)) | add.s(3)):
        with pytest.raises(UnsupportedPower, match="needs a result store that counts its parts"):
            workflow.apply_async()
    assert app.broker.depth("celery") == 0
