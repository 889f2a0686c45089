"""A limit in the user's own words: any cvxpy constraint, with its auditor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from . import terms
from .limits import Context, Limit


@dataclass(frozen=True)
class Custom(Limit):
    """Any convex constraint, written in Python; a policy file cannot hold one, since it never imports code.

    Parameters
    ----------
    bind
        ``bind(w, w0)`` gets the cvxpy variable of the weights and the cvxpy parameter of the current weights, both of
        shape (n,), and returns a list of cvxpy constraints that follow the rules of disciplined parametrised
        programming.
    slack
        ``slack(w, w0)`` gets numbers and returns the room left: at least 0 where the constraint is met. It is the
        auditor; without it nothing would be released.
    words
        The sentence.
    """

    kind: ClassVar[str] = "custom"
    bind: Callable[[Any, Any], Sequence[Any]] | None = None
    slack: Callable[[np.ndarray, np.ndarray], float] | None = None
    words: str = "a custom limit"

    def __post_init__(self) -> None:
        """Ask for both functions."""
        super().__post_init__()
        if not callable(self.bind) or not callable(self.slack):
            raise self.error("bind", self.bind, "a function that states it and a function that audits it, from Python")
        if self.tier:
            raise self.error("tier", self.tier, "0: trimtab cannot measure how far a custom limit gives way")

    def terms(self, context: Context) -> tuple[terms.Custom, ...]:
        """Return the term."""
        if self.bind is None or self.slack is None:  # refused when made; said again for the type checker
            raise self.error("bind", self.bind, "a function that states it and a function that audits it")
        return (terms.Custom(self.bind, self.slack),)

    def __str__(self) -> str:
        """Say it in the user's words."""
        return self.words
