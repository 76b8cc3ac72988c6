"use strict";

// Shows one image of a map of a latent space enlarged, with its coordinates: the one under the pointer, or the one that
// the arrow keys lead to.

for (const lensed of document.querySelectorAll(".lensed")) {
  const map = lensed.querySelector("img");
  const lens = lensed.querySelector(".lens");
  const status = lens.querySelector("[role=status]");
  const quantiles = lensed.dataset.quantiles.split(",").map(Number);
  const axes = lensed.dataset.axes.split(",");
  const side = quantiles.length;
  const field = document.createElement("div");
  const marker = document.createElement("span");
  const enlarged = document.createElement("img");
  const here = { column: Math.floor(side / 2), row: Math.floor(side / 2) };

  const written = (value) => value.toFixed(2).replace("-", "−");

  const show = (column, row) => {
    const within = (place) => Math.min(Math.max(place, 0), side - 1);
    here.column = within(column);
    here.row = within(row);
    const at = [quantiles[here.column], quantiles[side - 1 - here.row]]; // rows count from the top
    enlarged.style.transform = `translate(${(-100 * here.column) / side}%, ${(-100 * here.row) / side}%)`;
    marker.style.left = `${(100 * here.column) / side}%`;
    marker.style.top = `${(100 * here.row) / side}%`;
    status.textContent = axes.map((axis, which) => `${axis} ${written(at[which])}`).join(", ");
  };

  field.className = "field";
  field.tabIndex = 0;
  field.setAttribute("role", "application");
  field.setAttribute("aria-label", lensed.dataset.label);
  marker.className = "marker";
  marker.style.width = marker.style.height = `${100 / side}%`;
  map.before(field);
  field.append(map, marker);
  enlarged.src = map.src;
  enlarged.alt = "The image of the map that the lens is on.";
  enlarged.style.width = enlarged.style.height = `${100 * side}%`;
  lens.querySelector(".frame").append(enlarged);

  const point = (event) => {
    const box = field.getBoundingClientRect();
    const place = (offset, extent) => Math.floor((offset / extent) * side);
    show(place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height));
  };
  field.addEventListener("pointermove", point);
  field.addEventListener("pointerdown", point);
  field.addEventListener("keydown", (event) => {
    const { column, row } = here;
    const to = {
      ArrowLeft: [column - 1, row], ArrowRight: [column + 1, row], ArrowUp: [column, row - 1], ArrowDown: [column, row + 1],
      Home: [0, row], End: [side - 1, row], PageUp: [column, 0], PageDown: [column, side - 1],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    show(...to);
  });
  show(here.column, here.row);
  lens.hidden = false;
}
