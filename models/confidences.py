"""How sure views are: Idzorek's confidence as the variance of what each view says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from ..errors import ViewError
from .views import View


def view_covariance(p: np.ndarray, sigma_p: np.ndarray, live: Sequence[View], on: dt.date) -> np.ndarray:
    """Return ``M`` of :mod:`.tilts`: what the legs of views have in common, and the doubt about each.

    Parameters
    ----------
    p, sigma_p
        A row a view, shape (v, n): its legs, and Sigma times them.

    Raises
    ------
    ViewError
        Legs without risk; certain views (c = 1) that depend on each other.
    """
    prior = p @ sigma_p.T
    variances = np.diag(prior)
    for view, variance in zip(live, variances, strict=True):
        if variance < 1e-12:
            raise ViewError(
                f"view {view.id!r}: its legs carry no risk, so no return can follow from it",
                code="NO_RISK",
                table="views",
                field="about",
                value=view.about,
                mend="name legs that differ",
            )
    confidence = np.array([view.confidence_on(on) for view in live])
    m = prior + np.diag((1 - confidence) / confidence * variances)
    sure = np.flatnonzero(confidence == 1.0)
    scale = np.sqrt(variances[sure])
    correlation = prior[np.ix_(sure, sure)] / np.outer(scale, scale)
    if len(sure) > 1:
        values, vectors = np.linalg.eigh(correlation)
        if values[0] < 1e-9:
            both = [live[sure[i]].id for i in np.flatnonzero(np.abs(vectors[:, 0]) > 1e-3)]
            raise ViewError(
                f"the views {both} are certain and depend on each other",
                code="CONTRADICTION",
                table="views",
                field="confidence",
                value=", ".join(both),
                mend="lower one confidence below 1, or drop one",
            )
    return m
