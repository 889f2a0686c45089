"""`python -m docs.pictures.screens`: the picture of a page on docs/reports.md, taken by the machine's own Chromium."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from pathlib import Path

from trimtab.batches.questions import pick_question
from trimtab.demo import ON, book_path, policy_path
from trimtab.reports.pages import write_page
from trimtab.reports.proposals import proposal_page

PICTURE = Path(__file__).parents[1] / "reports.png"
ACCOUNT = "012"
_PATIENCE = 300_000
_SIZE = {"width": 1180, "height": 1240}


def take(path: Path = PICTURE) -> None:
    """Take the first screen of the page of an account of the demo book."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("there is no Chromium on this machine")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    asked = pick_question(book_path(), policy_path(), ACCOUNT, dt.date.fromisoformat(ON))
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        page = write_page(proposal_page(asked), Path(home) / "page.html")
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"] if root else [])
        tab = browser.new_page(viewport=_SIZE)
        tab.set_default_timeout(_PATIENCE)
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-drawn]", state="attached")
        tab.screenshot(path=str(path))
        browser.close()


if __name__ == "__main__":
    take()
