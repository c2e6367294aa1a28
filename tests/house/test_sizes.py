"""The tail is where beauty dies: files of at most 400 lines, functions of at most 40."""

from __future__ import annotations

from tests.house.tree import PROGRAM_FOLDERS, functions, place, python_files

FILE_LINES = 400
FUNCTION_LINES = 40


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(*PROGRAM_FOLDERS, "tests")}

    assert {} == {where: lines for where, lines in lengths.items() if lines > FILE_LINES}


def test_no_function_is_longer_than_forty_lines() -> None:
    too_long = {
        f"{place(path, node.lineno)} {node.name}": node.end_lineno - node.lineno + 1
        for path in python_files(*PROGRAM_FOLDERS)
        for node in functions(path)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }

    assert {} == too_long
