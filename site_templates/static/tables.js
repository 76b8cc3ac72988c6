"use strict";

// Makes the models of a table of scores sortable by each column; a second press turns the order round.

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  if (body.rows.length < 3) continue;
  const original = [...body.rows];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const offset = body.rows[0].cells.length - heads.length; // the first column's head may span both rows

  heads.forEach((head, place) => {
    const column = place + offset;
    if (column === 0) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.setAttribute("aria-label", `Sort by ${head.textContent.trim()}`);
    head.append(button);
    button.addEventListener("click", () => {
      const upwards = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", upwards ? "ascending" : "descending");
      const value = (row) => {
        const number = Number.parseFloat(row.cells[column].dataset.value ?? "");
        return Number.isNaN(number) ? Infinity : upwards ? number : -number;
      };
      body.append(...original.toSorted((a, b) => value(a) - value(b)));
    });
  });
}
