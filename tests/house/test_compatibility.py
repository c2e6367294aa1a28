"""The compatibility table: every row has proofs that exist, and the page is made from it."""

from __future__ import annotations

from collections import Counter

import celeriac
from tests.compatibility.page import PAGE, all_rows, page
from tests.compatibility.proofs import missing, proof_of, unproved
from tests.compatibility.row import NOT_YET, SAME, VERDICTS, row


def test_the_page_of_the_documentation_is_the_table() -> None:
    assert page(celeriac.__version__) == PAGE.read_text(encoding="utf-8"), "run `make compatibility`; rows are edited in tests/compatibility"


def test_every_proof_is_a_test_that_exists() -> None:
    assert [] == [(each.part, proof) for each in all_rows() for proof in each.proofs if missing(proof)]


def test_every_claim_names_its_proof() -> None:
    assert [] == [each.part for each in all_rows() if not each.proofs and each.verdict != NOT_YET]


def test_verdicts_are_the_four_and_no_part_stands_twice() -> None:
    assert set() == {each.verdict for each in all_rows()} - set(VERDICTS)
    assert [] == [part for part, times in Counter(each.part for each in all_rows()).items() if times > 1]


def test_a_row_whose_tests_did_not_pass_is_found() -> None:
    rows = [row("a", SAME, "", "x.py::test_one"), row("b", SAME, "", "x.py"), row("c", SAME, "", "y.py")]
    seen = {proof_of("tests/x.py::TestIt::test_one[3-a::b]"), proof_of("tests/x.py::test_two")}

    assert [("a", "x.py::test_one")] == [(each.part, proof) for each, proof in unproved(rows, seen, {"x.py::test_two"})]
    assert [] == unproved(rows, seen, seen)
    assert ["a", "b"] == [each.part for each, _ in unproved(rows, seen, ())]


def test_a_proof_that_is_gone_is_missed() -> None:
    assert not missing("house/test_compatibility.py::test_a_proof_that_is_gone_is_missed")
    assert missing("house/test_compatibility.py::test_what_nobody_wrote")
    assert missing("house/test_of_nothing.py")
