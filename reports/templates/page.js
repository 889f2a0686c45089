"use strict";
// Draws the charts, closes their tables, sorts and searches tables. Without it every number is still on the page.
(() => {
  const drawings = [...document.querySelectorAll(".drawing")];
  const tables = [...document.querySelectorAll("details")];
  const panel = 300; // the least width of one of several panels, in pixels

  const across = (layout) => { // how many panels stand side by side
    const axes = Object.keys(layout).filter((name) => /^xaxis\d*$/.test(name));
    return new Set(axes.map((name) => (layout[name].domain || [0])[0])).size;
  };

  const fit = (layout, room) => {
    const panels = across(layout);
    const fitted = { ...layout, autosize: true, height: layout.height || 420, title: undefined }; // the section has one
    if (panels * panel > room && panels > 1) fitted.width = fitted.wide = panels * panel;
    fitted.font = { ...layout.font, family: getComputedStyle(document.body).fontFamily, color: "#1b2330" };
    fitted.margin = { ...layout.margin, t: layout.annotations ? 44 : 16 };
    fitted.paper_bgcolor = "rgba(0,0,0,0)";
    return fitted;
  };

  const draw = async (drawing) => {
    const figure = JSON.parse(drawing.nextElementSibling.textContent);
    const settings = { responsive: true, displayModeBar: false, displaylogo: false };
    try {
      drawing.classList.add("drawn");
      await Plotly.newPlot(drawing, figure.data, fit(figure.layout || {}, drawing.clientWidth), settings);
      if (drawing.scrollWidth > drawing.clientWidth) drawing.tabIndex = 0; // so that a keyboard can scroll it
      drawing.closest("section").querySelector("details").open = false;
    } catch (error) {
      drawing.classList.replace("drawn", "failed");
      drawing.textContent = "This figure could not be drawn; its numbers stand in the table below.";
      console.error(error);
    }
  };

  // ------------------------------------------------------------------------------------------------ paper
  const paper = 680; // the width of a page of A4 or letter less its margins, in pixels
  let opened = [];
  const drawn = () => drawings.filter((each) => each.data);
  window.addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    opened = tables.filter((each) => !each.open);
    opened.forEach((each) => { each.open = true; });
    drawn().forEach((each) => Plotly.relayout(each, { width: paper, autosize: false }));
    for (const table of document.querySelectorAll("table")) { // paper does not scroll: a wide table is made smaller
      table.style.zoom = Math.min(1, paper / table.scrollWidth);
    }
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    opened.forEach((each) => { each.open = false; });
    drawn().forEach((each) => Plotly.relayout(each, { width: each.layout.wide || null, autosize: !each.layout.wide }));
    document.querySelectorAll("table").forEach((table) => { table.style.zoom = ""; });
  });

  // ------------------------------------------------------------------------------------------------ tables
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const order = (numeric, up) => (a, b) => {
    if (a.value === "" || b.value === "") {
      return (a.value === "") - (b.value === ""); // what is missing stays last either way
    }
    const way = numeric ? number(a.value) - number(b.value) || 0 : words.compare(a.value, b.value);
    return up ? way : -way;
  };
  const number = (text) => (text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text));

  const sort = (head) => {
    const table = head.closest("table");
    const body = table.tBodies[0];
    const column = head.cellIndex;
    const numeric = head.classList.contains("number");
    // The first press sorts numbers from the largest, words from A; the next one turns them round.
    const now = head.getAttribute("aria-sort");
    const up = now ? now === "descending" : !numeric;
    const rows = [...body.rows].map((row) => ({ row, value: row.cells[column].dataset.value }));
    rows.sort(order(numeric, up));
    body.append(...rows.map((each) => each.row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
  };

  const search = (field) => {
    const rows = [...field.closest("section").querySelectorAll("tbody tr")];
    const texts = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
    const told = field.closest("p").querySelector("output");
    const show = () => {
      const sought = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !sought.every((word) => texts[i].includes(word));
        shown += !row.hidden;
      });
      told.textContent = `${shown} of ${rows.length}`;
    };
    field.addEventListener("input", show);
    field.closest("p").hidden = false;
    show();
  };

  for (const head of document.querySelectorAll("thead th")) {
    head.querySelector("button").addEventListener("click", () => sort(head));
  }
  document.querySelectorAll("input[type=search]").forEach(search);
  Promise.all(drawings.map(draw)).then(() => { document.documentElement.dataset.drawn = "yes"; });
})();
