"""A browser for the pages, the machine's own Chromium driven by playwright; and what pages are made of."""

import csv
import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trimtab.batches import Run, run
from trimtab.constraints import read_policy
from trimtab.demo import ON, policy_path
from trimtab.optimizer.plots import inert
from trimtab.reports.pages import Chart, Figures, Listing, Page, Words, write_page
from trimtab.units import FrozenMap, percent

_PATIENCE = 300_000
"""Milliseconds: a machine that is busy with other tests is waited for."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all pages of a worker."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = ["--no-sandbox"] if root else []  # Chromium refuses its sandbox to root
    with sync.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=found, args=[*arguments, "--disable-dev-shm-usage"], timeout=_PATIENCE
        )
        yield opened
        opened.close()


@dataclass
class Shown:
    """A page in the browser, and what went on while it loaded."""

    tab: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def read(self, script: str) -> Any:
        return self.tab.evaluate(script)


def _opener(browser, folder: Path) -> Iterator[Callable[..., Shown]]:
    contexts = []

    def open_page(page: Page | Path, *, width: int = 1280, scripts: bool = True) -> Shown:
        path = write_page(page, folder / f"page-{len(contexts)}.html") if isinstance(page, Page) else page
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        contexts.append(context)
        context.set_default_timeout(_PATIENCE)
        shown = Shown(context.new_page())
        shown.tab.on("console", lambda m: shown.complaints.append(m.text) if m.type in ("error", "warning") else None)
        shown.tab.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.tab.on("request", lambda request: shown.requests.append(request.url))
        shown.tab.goto(path.as_uri())
        if scripts:
            shown.tab.wait_for_selector("html[data-drawn]", state="attached")
        return shown

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def show(browser, tmp_path) -> Iterator[Callable[..., Shown]]:
    """Write a page and open it; everything the browser complains of or asks for is kept."""
    yield from _opener(browser, tmp_path)


@pytest.fixture(scope="module")
def open_pages(browser, tmp_path_factory) -> Iterator[Callable[..., Shown]]:
    """The same, for a page that several tests read: opening one takes seconds."""
    yield from _opener(browser, tmp_path_factory.mktemp("pages"))


def make_page(name: str = "SPY", *, text: str = "Ann") -> Page:
    """A page with a section of each kind; ``name`` and ``text`` are what a user wrote."""
    from plotly import graph_objects

    weights = pd.DataFrame(
        {"weight": [0.1, 0.25, 0.002], "side": ["buy", "sell", text], "value": [1000, -20, None]},
        index=pd.Index([name, "EFA", "IEF"], name="asset_id"),
    )
    figure = graph_objects.Figure()
    # The names as figures of the house have them; the texts as they came, which a page has to stand too.
    names = [inert(each) for each in weights.index]
    figure.add_bar(x=names, y=weights["weight"].to_numpy(), name=inert(name), text=[text, "", ""])
    figure.update_layout(title=inert(name), xaxis_title=text)
    long = pd.DataFrame({"rank": range(40), "who": [f"{text} {i}" for i in range(40)]})
    forms = FrozenMap({"weight": percent})
    return Page(
        f"Proposal for {name}",
        f"As {text} sees it",
        (
            Figures("Key numbers", (("turnover", "5.00%", f"one-way, says {text}"), (name, "1", ""))),
            Words(f"What {name} is", (f"{text} said so.", "And again.")),
            Chart(f"Weights of {name}", figure, weights, f"Bars; {text}", forms),
            Listing("Trades", weights, f"By {text}", forms),
            Listing("Many", long),
            Listing("None", weights.iloc[:0]),
        ),
        (("account", name), ("run", text)),
    )


@pytest.fixture(scope="session")
def a_page() -> Callable[..., Page]:
    return make_page


HELD, TRADES, REFUSED, STUCK = MADE = ("005", "012", "024", "035")
"""Accounts of the demo book, by how they end."""
EVIL = '</script><img src=x onerror="alert(1)">'
"""What account 012 calls itself here."""


@pytest.fixture(scope="module")
def made_book(tmp_path_factory, demo_book) -> Path:
    """The demo book with an account of each end, one of them with a name that means harm."""
    folder = demo_book(tmp_path_factory.mktemp("desk") / "book", MADE, without=("phases",))
    for table in ("accounts", "holdings", "restrictions"):
        path = folder / f"{table}.csv"
        with path.open(newline="") as file:
            head, *rows = csv.reader(file)
        kept = [[EVIL if cell == TRADES else cell for cell in row] for row in rows if row[0] in (*MADE, "*")]
        with path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *kept])
    return folder


@pytest.fixture(scope="module")
def done(made_book, tmp_path_factory) -> Run:
    """A run of it."""
    return run(
        made_book,
        read_policy(policy_path()),
        dt.date.fromisoformat(ON),
        tmp_path_factory.mktemp("runs") / "run",
        workers=1,
    )
