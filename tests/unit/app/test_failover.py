from __future__ import annotations

from typing import Any

import pytest

from celeriac.app.failover import first_reachable, in_order, urls_of
from celeriac.exceptions import OperationalError


class FakeBroker:
    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self) -> None:
        if "down" in self.url:
            raise OperationalError("refused")


def fake(url: str) -> Any:
    return FakeBroker(url)


@pytest.mark.parametrize("found", [["a://", "b://"], ("a://", "b://"), "a://;b://", " a:// ; b:// ;"])
def test_urls_are_a_list_or_text_with_semicolons(found: Any) -> None:
    assert urls_of(found) == ["a://", "b://"]


def test_nothing_is_no_url() -> None:
    assert urls_of(None) == urls_of("") == []


def test_the_first_that_can_be_reached_is_used() -> None:
    assert first_reachable(["down://", "up://"], None, fake).url == "up://"  # type: ignore[attr-defined]


def test_when_none_can_be_reached_all_are_named_without_passwords() -> None:
    with pytest.raises(OperationalError, match=r"down://u:\*\*@one: refused; down://two: refused"):
        first_reachable(["down://u:secret@one", "down://two"], None, fake)


def test_the_order_is_the_strategys() -> None:
    urls = ["a", "b", "c"]

    assert in_order(urls) == in_order(urls, "round-robin") == urls
    assert in_order(urls, "shuffle", shuffle=list.reverse) == ["c", "b", "a"]
    assert in_order(urls, lambda found: iter(found[::-1] * 9)) == ["c", "b", "a"]
