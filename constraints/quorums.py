"""How many people have to agree: more, the further a run leans or the more its limits gave way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import PolicyError
from ..units import decimal, percent

MOST_PEOPLE = 20
MOST_DAYS = 366
_NOISE = 1e-9
"""Half a cent in a million: a weight that a solver puts on a threshold is not beyond it."""


@dataclass(frozen=True)
class Quorum:
    """People by size.

    Parameters
    ----------
    rules
        Pairs of a threshold (decimal or ``"5%"``) and the people that anything beyond it asks for. The order is of no
        matter: of all thresholds that a size is beyond, the most people count.

    Raises
    ------
    PolicyError
        A threshold that is no number from 0 on, people that are no whole number from 1 to 20, a threshold twice.

    >>> Quorum((("5%", 2), ("10%", 3))).people(0.07), Quorum((("5%", 2),)).people(0.05)
    (2, 1)
    """

    rules: tuple[tuple[float, int], ...] = ()

    def __post_init__(self) -> None:
        """Read percents, and refuse what cannot be."""
        if isinstance(self.rules, str) or not isinstance(self.rules, Sequence):
            raise _fault("rules", self.rules, 'pairs, like [["5%", 2], ["10%", 3]]')
        read = tuple(sorted(map(_rule, self.rules)))
        if len({threshold for threshold, _ in read}) < len(read):
            raise _fault("rules", self.rules, "give each threshold once")
        object.__setattr__(self, "rules", read)

    def people(self, size: float) -> int:
        """Return how many a size asks for, 1 at least; a size that is no number asks for as many as any."""
        return max([1, *(people for threshold, people in self.rules if not size <= threshold + _NOISE)])


def _rule(pair: Any) -> tuple[float, int]:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise _fault("rules", pair, 'a pair of a threshold and people, like ["5%", 2]')
    try:
        threshold = decimal(pair[0])
    except (TypeError, ValueError):
        raise _fault("threshold", pair[0], "a decimal or a percent, 0 or more") from None
    if threshold < 0:
        raise _fault("threshold", pair[0], "a decimal or a percent, 0 or more")
    return threshold, _whole("people", pair[1], MOST_PEOPLE)


def _whole(name: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _fault(name, value, f"a whole number from 1 to {most}")
    return value


def _fault(name: str, value: Any, mend: str) -> PolicyError:
    return PolicyError(f"{name} is {value!r}", code="BAD_POLICY", table="policy", field=name, value=value, mend=mend)


@dataclass(frozen=True)
class Governance:
    """Who has to agree before a run may be released, and for how long that holds: ``[governance]`` of a policy.

    Parameters
    ----------
    approvers
        People at least, beside the proposer and the last editor.
    deviation
        People by the largest active weight: of a run, ``max |target - strategic|`` over accounts and assets; of a
        policy, the widest side of its deviation limits (1 where it has none).
    relaxation
        People by the largest amount by which a limit gave way, in the limit's own unit (a weight, a volatility).
    approval_days
        An approval of a run lasts that long at most.

    Raises
    ------
    PolicyError
        A number out of range.

    >>> Governance().people(deviation=0.03, relaxation=0.0), Governance().people(deviation=0.03, relaxation=0.01)
    (1, 2)
    """

    approvers: int = 1
    deviation: Quorum = Quorum(((0.10, 2),))
    relaxation: Quorum = Quorum(((0.0, 2),))
    approval_days: int = 7

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        _whole("approvers", self.approvers, MOST_PEOPLE)
        _whole("approval_days", self.approval_days, MOST_DAYS)

    def people(self, *, deviation: float, relaxation: float) -> int:
        """Return how many have to agree to something of these sizes."""
        return max(self.approvers, self.deviation.people(deviation), self.relaxation.people(relaxation))

    @property
    def sentences(self) -> list[str]:
        """What it says where it says more than usual, as a committee would write it."""
        if self == Governance():
            return []
        said = [f"a run is released when {_count(self.approvers)} agreed within {self.approval_days} days"]
        said += [f"beyond an active weight of {percent(t)}: {_count(p)}" for t, p in self.deviation.rules]
        said += [f"where a limit gave way by more than {percent(t)}: {_count(p)}" for t, p in self.relaxation.rules]
        return said


def _count(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"
