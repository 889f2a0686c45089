"""The life of a view, a policy, an extension, confidences and a run, as data: from which state which verb leads where.

A verb is the ``kind`` of a ledger entry. Three moves nobody says; time and signatures make them:

========== =============================================================
``quorum`` enough people have approved these bytes, and it still holds
``begin``  the day it was asked for from on has come
``lapse``  too few approvals hold any longer
========== =============================================================

::

    view, policy, extension, confidence, person (their key):
        draft -- submit --> submitted -- quorum --> approved -- begin --> active -- lapse --> expired
        a rejection leads back to draft; `withdraw`, `revert` and `expire` end it

    run:
        planned --> solved -- submit --> proposed -- quorum --> approved -- release --> released -- complete --> sealed
        `reject` and `kill` end it before its release; `withdraw` takes a release back to proposed, unapproved

An edit changes the bytes, so approvals of what was there before say nothing about it. What nobody may undo alone is
left out: there is no verb that leads from ``killed`` anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..units import FrozenMap

QUORUM, BEGIN, LAPSE = "quorum", "begin", "lapse"
UNSAID = (QUORUM, BEGIN, LAPSE)
"""Moves that no entry makes."""
NOTHING = ""
"""The state of what nobody has spoken of."""


@dataclass(frozen=True)
class Machine:
    """One kind of thing.

    Parameters
    ----------
    moves
        The next state by state and verb.
    keeps_former
        Whether an approved version stays in force while a newer one waits for approval.
    """

    moves: Mapping[tuple[str, str], str]
    keeps_former: bool

    @property
    def states(self) -> frozenset[str]:
        """Every state there is, but for nothing."""
        return frozenset(self.moves.values())

    @property
    def verbs(self) -> frozenset[str]:
        """Every verb that an entry may say."""
        return frozenset(verb for _, verb in self.moves if verb not in UNSAID)

    def allowed(self, state: str) -> tuple[str, ...]:
        """Return the verbs that may be said in a state, in alphabetical order."""
        return tuple(sorted(verb for at, verb in self.moves if at == state and verb not in UNSAID))


def _moves(*rows: str) -> FrozenMap:
    """Read rows like ``"draft submitted: submit -> submitted"``; a dot is the state of nothing, ``same`` stays."""
    found = {}
    for row in rows:
        states, _, told = row.partition(":")
        for state in (NOTHING if name == "." else name for name in states.split()):
            for move in told.split(","):
                verb, _, to = (part.strip() for part in move.partition("->"))
                found[state, verb] = state if to == "same" else to
    return FrozenMap(found)


DOCUMENT = Machine(
    _moves(
        ". draft expired reverted withdrawn: submit -> submitted, edit -> draft",
        "submitted approved active: submit -> submitted, edit -> submitted",
        "submitted approved active: approve -> same, override -> same",
        "expired: approve -> submitted, override -> submitted",
        "submitted approved: reject -> draft",
        "draft submitted approved active: withdraw -> withdrawn",
        "active: revert -> reverted",
        "approved active: expire -> expired, lapse -> expired",
        "submitted: quorum -> approved",
        "approved: begin -> active",
        "draft submitted approved active expired reverted withdrawn: review -> same",
    ),
    keeps_former=True,
)
RUN = Machine(
    _moves(
        ".: plan -> planned",
        ". planned: solve -> solved, seal -> solved",
        ". planned solved rejected: submit -> proposed",
        "proposed approved: submit -> proposed, edit -> proposed, approve -> same, override -> same",
        "proposed: quorum -> approved",
        "approved: lapse -> proposed, expire -> proposed, release -> released",
        "proposed approved: reject -> rejected, withdraw -> rejected",
        "released: withdraw -> proposed",
        "released: complete -> sealed",
        "planned solved proposed approved rejected: kill -> killed",
        "planned solved proposed approved released sealed rejected killed: review -> same",
    ),
    keeps_former=False,
)
MACHINES: Mapping[str, Machine] = FrozenMap(
    {**dict.fromkeys(("view", "policy", "extension", "confidence", "person"), DOCUMENT), "run": RUN}
)
"""By what a subject begins with: ``policy/balanced`` is a policy."""


def machine_of(subject: str) -> Machine | None:
    """Return the machine of a subject, None where it has none (an account, a note).

    >>> machine_of("run/4f2a").allowed("approved")
    ('approve', 'edit', 'expire', 'kill', 'override', 'reject', 'release', 'review', 'submit', 'withdraw')
    """
    return MACHINES.get(subject.partition("/")[0])
