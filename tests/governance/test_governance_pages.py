"""The pages on governance are true: the columns they name are there."""

import re
from pathlib import Path

from trimtab.governance.books_and_records import SCHEMAS

DOCS = Path(__file__).parents[2] / "docs" / "governance"


def test_every_column_is_told_and_none_that_is_not():
    page = (DOCS / "records.md").read_text(encoding="utf-8")
    for table, schema in SCHEMAS.items():
        (row,) = re.findall(rf"^\| `{table}` \|.*\|(.*)\|$", page, re.MULTILINE)
        assert re.sub(r" \(.*?\)", "", row).strip().split(", ") == schema.names
    for table, column in re.findall(r"`(orders|executions|acts)`\.(\w+)", page):
        assert column in SCHEMAS[table].names
