"""What a reader does with a page: sorts, searches, tabs through it, prints it, reads it on a telephone or without
scripts, or has it read out."""

from itertools import pairwise

import pytest

CONTRAST = """() => {
  const shine = (colour) => {
    const [r, g, b, a] = colour.match(/[\\d.]+/g).map(Number);
    const part = (x) => (x / 255 <= 0.03928 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
    return [0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b), a === undefined ? 1 : a];
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const [light, alpha] = shine(getComputedStyle(each).backgroundColor);
      if (alpha > 0) return light;
    }
    return 1;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style, .drawing")) continue;
    const [light] = shine(getComputedStyle(element).color);
    const [more, less] = [light, ground(element)].sort((a, b) => b - a);
    found.push([walker.currentNode.data.trim().slice(0, 20), (more + 0.05) / (less + 0.05)]);
  }
  return found;
}"""
UNNAMED = """() => [...document.querySelectorAll("[role=img], [role=region], input, button, nav, section, a, summary")]
  .filter((each) => {
    const by = each.getAttribute("aria-labelledby");
    const name = each.getAttribute("aria-label") || (by && document.getElementById(by).textContent)
      || (each.labels && each.labels.length && each.labels[0].textContent) || each.textContent;
    return !name || !name.trim();
  }).map((each) => each.outerHTML.slice(0, 80))"""
BOXES = """() => [...document.querySelectorAll("header, section, footer")].map((each) => {
  const box = each.getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
})"""


@pytest.fixture(scope="module")
def reading(open_pages, a_page):
    """The page, open on a desk's screen."""
    return open_pages(a_page("R&D <1>", text="Ann"))


def column(shown, table: int, at: int) -> list[str]:
    return shown.read(
        f"[...document.querySelectorAll('table')[{table}].tBodies[0].rows].map(r => r.cells[{at}].textContent)"
    )


def test_a_table_sorts_by_click_and_back(reading):
    head = reading.tab.locator("#section-4 thead th").nth(1)
    head.locator("button").click()
    assert column(reading, 1, 1) == ["25.00%", "10.00%", "0.20%"]  # numbers by size, not by their digits
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    assert column(reading, 1, 1) == ["0.20%", "10.00%", "25.00%"]
    assert head.get_attribute("aria-sort") == "ascending"
    assert reading.read("document.querySelectorAll('#section-4 [aria-sort]').length") == 1


def test_a_table_sorts_by_keyboard_and_what_is_missing_stays_last(reading):
    reading.tab.locator("#section-4 thead th").nth(2).locator("button").focus()
    reading.tab.keyboard.press("Tab")
    assert reading.read("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    reading.tab.keyboard.press("Enter")
    assert column(reading, 1, 3) == ["1,000", "−20", "–"]
    reading.tab.keyboard.press("Space")
    assert column(reading, 1, 3) == ["−20", "1,000", "–"]


def test_words_sort_as_people_count(reading):
    reading.tab.locator("#section-5 thead th").nth(1).locator("button").click()
    assert column(reading, 2, 1)[:12] == [f"Ann {i}" for i in range(12)]


def test_a_long_table_is_searched_by_all_words_typed(reading):
    field = reading.tab.locator("#section-5 input")
    field.fill("ann 3")
    shown = reading.read("[...document.querySelectorAll('#section-5 tbody tr')].filter(r => !r.hidden).length")
    assert shown == 13  # 3, 13, 23, 30 to 39
    assert reading.tab.locator("#section-5 output").text_content() == "13 of 40"
    field.fill("")
    assert reading.tab.locator("#section-5 output").text_content() == "40 of 40"
    assert reading.read("document.querySelectorAll('#section-4 input').length") == 0


def test_everything_has_a_name_and_headings_are_in_order(reading):
    assert reading.read(UNNAMED) == []
    assert reading.read("document.querySelectorAll('h1').length") == 1
    levels = reading.read("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert reading.read("document.querySelector('[role=img]').getAttribute('aria-label')") == (
        "Weights of R&D <1>. Bars; Ann"
    )
    assert reading.read("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == reading.read(
        "document.querySelectorAll('[id]').length"
    )
    assert reading.read("document.documentElement.lang") == "en"


def test_every_link_within_the_page_leads_somewhere(reading):
    assert reading.read(
        "[...document.querySelectorAll('a')].every(a => document.getElementById(a.getAttribute('href').slice(1)))"
    )


def test_every_text_can_be_read(reading):
    found = reading.read(f"({CONTRAST})()")
    assert len(found) > 100
    assert min(found, key=lambda pair: pair[1])[1] >= 4.5, min(found, key=lambda pair: pair[1])


def test_the_tab_key_reaches_what_can_be_pressed_in_the_order_it_is_read(reading):
    reading.tab.locator("h1").click()
    seen = []
    for key in ("Shift+Tab", *["Tab"] * 11):
        reading.tab.keyboard.press(key)
        seen.append(reading.read("[document.activeElement.tagName, document.activeElement.textContent.trim()]"))
    assert seen[0] == ["A", "To the content"]
    assert [name for name, _ in seen[1:7]] == ["A"] * 6
    assert ["SUMMARY", "The same numbers as a table"] in seen


@pytest.mark.parametrize("width", [1280, 390])
def test_sections_follow_each_other_and_stay_on_the_screen(reading, width):
    reading.tab.set_viewport_size({"width": width, "height": 900})
    reading.tab.wait_for_timeout(300)  # plotly draws anew
    boxes = reading.read(f"({BOXES})()")
    assert len(boxes) == 8
    assert all(left >= 0 and right <= width for left, _, right, _ in boxes)
    assert all(below[1] >= above[3] - 1 for above, below in pairwise(boxes))
    assert all(bottom - top > 20 for _, top, _, bottom in boxes)
    assert reading.read("document.documentElement.scrollWidth") <= width
    drawing = reading.read("(() => { const b = document.querySelector('.main-svg').getBoundingClientRect();"
                           " return [b.width, b.height]; })()")  # fmt: skip
    assert drawing[0] <= width
    assert drawing[1] > 100
    reading.tab.set_viewport_size({"width": 1280, "height": 900})


def test_it_prints_on_pages_with_every_table_open(reading):
    reading.read(
        "window.addEventListener('beforeprint', () => { window.opened = document.querySelectorAll('details[open]'"
        ").length; window.drawn = document.querySelector('.drawing').layout.width; })"
    )
    paper = reading.tab.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert 2 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page/") <= 6
    assert reading.read("window.opened") == 1
    assert reading.read("window.drawn") == 680
    assert reading.read("document.querySelectorAll('details[open]').length") == 0  # and as before afterwards


def test_without_scripts_every_table_is_there(open_pages, a_page):
    shown = open_pages(a_page("SPY", text="Ann"), scripts=False)
    tables = shown.tab.locator("table")
    assert tables.count() == 3
    assert all(tables.nth(i).is_visible() for i in range(3))
    assert not shown.tab.locator("input").first.is_visible()  # it would do nothing
    assert "25.00%" in tables.first.inner_text()
