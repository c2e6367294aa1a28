from __future__ import annotations

from celeriac import signals
from celeriac.lib.dispatch import Signal


def test_every_signal_is_named_as_its_variable():
    found = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}

    assert 34 == len(found)
    assert {name: name for name in found} == {name: value.name for name, value in found.items()}
