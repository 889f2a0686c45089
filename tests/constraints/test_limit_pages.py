"""The pages of the limits: each TOML block is a policy, each kind of this mandate's clocks has a page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from trimtab.constraints import read_policy

PAGES = sorted((Path(__file__).parents[2] / "docs" / "limits").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_what_a_page_writes_is_a_policy(page):
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        policy = read_policy(tomllib.loads(block))
        assert policy.limits
        if page.stem not in ("index", "grandfathering"):
            assert {limit.kind for limit in policy.limits} == {page.stem}
    assert blocks or page.stem == "index"


def test_the_kinds_that_count_days_have_pages():
    named = {"time_limit", "turnover", "cooldown", "holding", "stress", "cash", "tracking_error"}
    assert named <= {page.stem for page in PAGES}
