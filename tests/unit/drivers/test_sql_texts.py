from __future__ import annotations

from celeriac.drivers.sql import compile as compiling
from celeriac.drivers.sql import dialect_sqlite, schema


def test_the_text_in_the_package_is_that_of_the_statements():
    assert compiling.SQLITE_TEXTS.read_text(encoding="utf-8") == compiling.sqlite_module(), "run python -m celeriac.drivers.sql.compile"


def test_the_version_is_that_of_the_schema():
    assert dialect_sqlite.SCHEMA_VERSION == schema.VERSION
