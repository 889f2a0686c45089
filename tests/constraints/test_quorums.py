"""How many people have to agree: read, refused, hashed, said; never fewer for more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.constraints import Policy, read_policy
from trimtab.constraints.quorums import Governance, Quorum
from trimtab.errors import PolicyError

RULES = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 20)), max_size=5, unique_by=lambda pair: pair[0])


def test_a_document_says_it():
    said = {"approvers": 2, "deviation": [["5%", 2], [0.1, 3]], "relaxation": [["20bp", 4]], "approval_days": 3}
    read = read_policy({"governance": said}).governance
    assert read == Governance(2, Quorum(((0.1, 3), (0.05, 2))), Quorum(((0.002, 4),)), 3)
    assert read_policy({}).governance == Policy().governance == Governance()


@given(RULES, st.floats(0, 2), st.floats(0, 2))
def test_more_never_asks_for_fewer(rules, first, second):
    quorum = Quorum(tuple(rules))
    assert 1 <= quorum.people(min(first, second)) <= quorum.people(max(first, second))
    assert quorum.people(float("nan")) == quorum.people(float("inf")) == max([1, *(p for _, p in rules)])


@pytest.mark.parametrize(("deviation", "relaxation", "people"), [
    (0.05, 0.0, 1), (0.05 + 1e-12, 1e-12, 1), (0.0501, 0.0, 2), (0.0, 1e-6, 2), (0.2, 0.0, 3), (0.2, 1.0, 3),
])  # fmt: skip
def test_a_size_beyond_a_threshold_asks_for_its_people(deviation, relaxation, people):
    asked = Governance(1, Quorum(((0.05, 2), (0.1, 3))), Quorum(((0.0, 2),)))
    assert asked.people(deviation=deviation, relaxation=relaxation) == people


@pytest.mark.parametrize("fields", [
    {"approvers": 0}, {"approvers": True}, {"approvers": 21}, {"approvers": 1.5}, {"approval_days": 0},
    {"approval_days": 367}, {"deviation": [[1]]}, {"deviation": [["x", 2]]}, {"deviation": [["5%", 0]]},
    {"deviation": [["5%", 2], [0.05, 3]]}, {"relaxation": ["5%", 2]}, {"relaxation": 3}, {"deviation": [[-0.1, 2]]},
    {"deviation": [[float("nan"), 2]]}, {"deviation": ["52"]},
])  # fmt: skip
def test_what_cannot_be_is_refused(fields):
    with pytest.raises(PolicyError):
        read_policy({"governance": fields})


def test_a_misspelt_key_is_told():
    with pytest.raises(PolicyError, match="did you mean 'approvers'"):
        read_policy({"governance": {"aprovers": 2}})


def test_the_hash_and_the_sentences_say_it():
    two = replace(Policy(), governance=Governance(approvers=2))
    assert two.hash != Policy().hash
    assert "2 people agreed" in str(two)
    assert "agreed" not in str(Policy())
