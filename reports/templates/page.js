"use strict";
// Draws the charts, closes their tables, sorts and searches tables. Without it every number is still on the page.
(() => {
  const drawings = [...document.querySelectorAll(".drawing")];
  const tables = [...document.querySelectorAll("details")];
  const narrow = 600;

  const fit = (layout, width) => {
    const fitted = { ...layout, autosize: true, height: layout.height || 420, title: undefined }; // the section has one
    fitted.margin = { l: 60, r: 24, t: layout.annotations ? 44 : 20, b: 48, ...layout.margin };
    if (layout.title) fitted.margin.t = Math.min(fitted.margin.t, layout.annotations ? 44 : 20);
    fitted.font = { ...layout.font, family: getComputedStyle(document.body).fontFamily, color: "#1b2330" };
    fitted.paper_bgcolor = "rgba(0,0,0,0)";
    if (width < narrow) {
      fitted.legend = { ...layout.legend, orientation: "h", x: 0, xanchor: "left", y: -0.2, yanchor: "top" };
    }
    return fitted;
  };

  const draw = async (drawing) => {
    const figure = JSON.parse(drawing.nextElementSibling.textContent);
    const settings = { responsive: true, displayModeBar: false, displaylogo: false };
    try {
      drawing.classList.add("drawn");
      await Plotly.newPlot(drawing, figure.data, fit(figure.layout || {}, drawing.clientWidth), settings);
      drawing.closest("section").querySelector("details").open = false;
    } catch (error) {
      drawing.classList.replace("drawn", "failed");
      drawing.textContent = "This figure could not be drawn; its numbers stand in the table below.";
      console.error(error);
    }
  };

  // ------------------------------------------------------------------------------------------------ paper
  let opened = [];
  const paper = 680; // the width of a page of A4 or letter less its margins, in pixels
  window.addEventListener("beforeprint", () => {
    opened = tables.filter((each) => !each.open);
    opened.forEach((each) => { each.open = true; });
    drawings.filter((each) => each.data).forEach((each) => Plotly.relayout(each, { width: paper, autosize: false }));
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((each) => { each.open = false; });
    drawings.filter((each) => each.data).forEach((each) => Plotly.relayout(each, { width: null, autosize: true }));
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
