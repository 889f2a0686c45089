"""The pages of the limits: each kind has one, each TOML block is a policy, and the overview says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from trimtab.constraints import Cash, read_policy
from trimtab.constraints.documents import KINDS
from trimtab.errors import PolicyError

PAGES = sorted((Path(__file__).parents[2] / "docs" / "limits").glob("*.md"))
ACROSS = {"index", "tiers", "grandfather"}
"""Pages that are of every kind."""


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_what_a_page_writes_is_a_policy(page):
    blocks = _blocks(page, "toml")
    for block in blocks:
        policy = read_policy(tomllib.loads(block))
        assert policy.limits
        if page.stem not in ACROSS:
            assert {limit.kind for limit in policy.limits} == {page.stem}
    assert bool(blocks) is (page.stem != "custom")


def test_every_kind_has_a_page_with_its_formula():
    assert {page.stem for page in PAGES} == set(KINDS) | ACROSS
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert page.stem == "index" or "$$" in text or "| `frozen` | $w_i = w^0_i$ |" in text, page.stem


@pytest.mark.parametrize("kind", KINDS)
def test_the_overview_says_what_the_code_does(kind):
    index = next(page for page in PAGES if page.stem == "index").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| \[`{kind}`\]\({kind}\.md\) \|(.*)\|$", index, re.MULTILINE)
    *_, target, own, tier = (cell.strip() for cell in row.split("|"))
    limit = KINDS[kind]
    shared = Cash(least=0.01).shared if limit is Cash else limit.shared
    assert (target, own) == ("yes" if shared else "no", "yes" if limit.overridable else "no")
    assert (tier == "hard") is _refuses_a_tier(kind)


def _refuses_a_tier(kind: str) -> bool:
    """Whether the first policy of a page is refused once its limit has a tier."""
    if kind == "custom":
        return True  # a file cannot hold one; tests/constraints/test_limit_kinds.py refuses its tier
    page = next(page for page in PAGES if page.stem == kind)
    block = tomllib.loads(_blocks(page, "toml")[0])
    read_policy(block)
    try:
        read_policy({**block, "limits": [{**block["limits"][0], "tier": 1}]})
    except PolicyError:
        return True
    return False
