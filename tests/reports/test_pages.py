"""What every page keeps, whatever it is of: it opens offline, is inert to what users write, sorts, prints, is read."""

from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from trimtab.errors import InputError
from trimtab.reports.pages import Listing, Page, render, write_page
from trimtab.reports.texts import visible
from trimtab.units import FrozenMap, percent

NASTY = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"onmouseover="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "</style></title></textarea><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; &#x3c;i&#x3e;",
    "\u202eevil\u2066 \u05e9\u05dc\u05d5\u05dd \x00\x1b[2J",
    "<a href='javascript:alert(1)'>x</a><br>$x$ %{y}",
)


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, without anybody's text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag):
        self.elements.append(("/", tag))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def plain(a_page) -> Skeleton:
    return skeleton(a_page("A", text="B"))


def skeleton(page: Page) -> Skeleton:
    return Skeleton(render(page).replace(get_plotlyjs(), ""))  # megabytes without a word of a user


def test_a_page_opens_without_errors_or_network_and_draws(show, a_page):
    shown = show(a_page())
    assert shown.complaints == []
    assert [url for url in shown.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in shown.requests if url.startswith("file:")]) == 1
    assert shown.read("document.querySelectorAll('.drawing .main-svg').length") >= 1
    assert shown.read("document.querySelector('.drawing').data.length") == 1
    assert shown.read("document.querySelectorAll('.drawing .point').length") == 3


@settings(max_examples=12)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example("<script>alert(1)</script>")
@example("</script>")
@example("<!--")
@example('" onmouseover="alert(1)')
def test_text_of_users_makes_no_element_and_no_attribute(a_page, plain, text):
    wild = skeleton(a_page(f"A{text}", text=f"B{text}"))
    assert wild.elements == plain.elements
    shown = "".join(visible(f"A{text}").split())
    assert shown in "".join("".join(wild.texts).split())  # and every letter of it is there


def test_an_element_in_a_name_would_be_found(a_page):
    fine = render(a_page()).replace(get_plotlyjs(), "")
    assert Skeleton(fine.replace("SPY", "<b>SPY", 1)).elements != Skeleton(fine).elements


def test_nothing_a_user_writes_runs_or_links_in_the_browser(show, a_page):
    pages = [a_page(text, text=text) for text in NASTY]
    whole = Page(pages[0].title, pages[0].subtitle, tuple(s for page in pages for s in page.sections), pages[0].about)
    shown = show(whole)
    assert shown.complaints == []
    assert not [url for url in shown.requests if not url.startswith(("file:", "data:"))]
    assert (
        shown.read("document.querySelectorAll('img, iframe, object, b, i, svg a, main a, [onmouseover]').length") == 0
    )
    assert shown.read("document.querySelectorAll('script:not([type])').length") == 2
    assert shown.read("document.scripts.length") == 2 + len(NASTY)
    drawn = shown.read(
        "[...document.querySelectorAll('.drawing')].map(d => d.querySelector('.xtick text').textContent)"
    )
    for found, text in zip(drawn, NASTY, strict=True):  # letter by letter, but for line breaks of plotly
        assert found[:9] == visible(text)[:9]


def test_letters_of_every_script_stay_and_what_turns_a_line_is_written_out(a_page):
    text = render(a_page("\u05e9\u05dc\u05d5\u05dd", text="a\u202eb\x00"))
    assert "\u05e9\u05dc\u05d5\u05dd" in text
    assert "\u202e" not in text
    assert "\x00" not in text
    assert r"a\u202eb\x00" in text


def test_a_page_stands_whole_or_not_at_all(tmp_path, a_page):
    path = write_page(a_page(), tmp_path / "page.html")
    before = path.read_bytes()
    broken = Page("x", "", (Listing("x", pd.DataFrame({"a": [1]}), formats=FrozenMap({"b": percent})),))
    with pytest.raises(InputError, match="no column 'b'"):
        write_page(broken, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    assert write_page(Page("y", "", ()), path).read_text(encoding="utf-8").count("<h1>y</h1>") == 1


def test_a_page_is_not_written_over_a_folder_nor_into_none(tmp_path, a_page):
    with pytest.raises(InputError, match="is a folder"):
        write_page(a_page(), tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        write_page(a_page(), tmp_path / "none" / "page.html")


def test_a_place_that_cannot_be_written_is_told(tmp_path, a_page):
    (tmp_path / ".page.html.tmp").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_page(a_page(), tmp_path / "page.html")


def test_plotly_stands_in_a_page_once_and_only_where_something_is_drawn(a_page):
    full = a_page()
    without = Page(full.title, full.subtitle, tuple(s for s in full.sections if type(s).__name__ != "Chart"))
    twice = Page(full.title, full.subtitle, full.sections + full.sections)
    assert len(render(without)) < 100_000
    assert len(render(full)) > 1_000_000
    assert len(render(twice)) < len(render(full)) + 100_000
