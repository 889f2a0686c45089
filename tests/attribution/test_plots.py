"""Figures show what tables say."""

from __future__ import annotations

import pandas as pd
import pytest

from trimtab.attribution import attribute, chain
from trimtab.attribution.plots import draw_calibration, draw_waterfall


def test_figures_show_the_tables():
    pytest.importorskip("plotly")
    frame = lambda row: pd.DataFrame([row], index=[1], columns=["EQ", "BD"])  # noqa: E731
    stages = {"strategic": frame([0.6, 0.4]), "tactical": frame([0.7, 0.3]), "held": frame([0.65, 0.35])}
    found = attribute(chain("one", stages, frame([0.05, 0.01]), beliefs={"view up": frame([0.1, -0.1])}))
    bars = draw_waterfall(found).data[0]
    assert bars.x[0] == "benchmark"
    assert sum(bars.y[:-1]) == pytest.approx(bars.y[-1])
    assert (bars.text[0], bars.text[1], bars.text[-1]) == ("3.40%", "+40.0 bp", "3.60%")  # ends as the axis has them
    assert list(found.plot("view").data[0].y) == list(found.waterfall("view")["size"])
    table = pd.DataFrame({"confidence": [0.4], "right": [12], "wrong": [8]}, index=["ES"])
    assert list(draw_calibration(table).data[1].y) == pytest.approx([0.6])
