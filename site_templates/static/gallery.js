"use strict";

// Shows those images of a sheet that fit a choice, and tells what the predictor makes of the one under the pointer or
// in focus. The choice stands in the address, so that it can be sent.

for (const gallery of document.querySelectorAll(".gallery")) {
  const form = gallery.querySelector("form");
  const list = gallery.querySelector(".tiles");
  const told = gallery.querySelector(".told");
  const status = gallery.querySelector("[role=status]");
  const known = JSON.parse(gallery.querySelector("script").textContent);
  const { source, label, kind, lowest, highest } = Object.fromEntries([...form.elements].map((each) => [each.name, each]));
  let tiles = [];

  const percent = (probability) => {
    const rounded = Math.round(100 * probability);
    return rounded === 100 ? "> 99 %" : rounded === 0 ? "< 1 %" : `${rounded} %`;
  };

  const inWords = (columns, place) => {
    const likely = `${known.classes[columns.label[place]]} (${percent(columns.confidence[place])})`;
    const next = `${known.classes[columns.second[place]]} (${percent(columns.second_probability[place])})`;
    return `${likely}, else ${next}; ${known.kinds[columns.kind[place]]}; number ${columns.index[place] + 1} of its set.`;
  };

  const tell = (tile) => {
    told.textContent = tile.getAttribute("aria-label");
  };

  const made = (columns, place, address) => {
    const tile = document.createElement("div");
    const frame = document.createElement("span");
    const picture = document.createElement("img");
    const name = document.createElement("span");
    const confidence = document.createElement("span");
    tile.setAttribute("role", "option");
    tile.setAttribute("aria-label", inWords(columns, place));
    picture.src = address;
    picture.alt = "";
    picture.style.objectPosition = `-${columns.left[place]}px -${columns.top[place]}px`;
    name.textContent = known.classes[columns.label[place]];
    confidence.textContent = percent(columns.confidence[place]);
    frame.append(picture);
    tile.append(frame, name, confidence);
    tile.addEventListener("focus", () => tell(tile));
    tile.addEventListener("pointerenter", () => tell(tile));
    return tile;
  };

  const open = () => {
    const columns = known.galleries[source.value];
    const sheet = [...gallery.querySelectorAll("[data-sheet]")].find((each) => each.dataset.sheet === source.value);
    const address = sheet.querySelector("img").src;
    tiles = columns.label.map((_, place) => made(columns, place, address));
    list.replaceChildren(...tiles);
  };

  const reach = (tile) => {
    for (const each of tiles) each.tabIndex = each === tile ? 0 : -1;
  };

  const show = () => {
    const columns = known.galleries[source.value];
    tiles.forEach((tile, place) => {
      const confidence = columns.confidence[place];
      const fits = (label.value === "" || Number(label.value) === columns.label[place])
        && (kind.value === "" || kind.value === columns.kind[place])
        && lowest.value / 100 <= confidence && confidence <= highest.value / 100;
      tile.hidden = !fits;
    });
    const fitting = tiles.filter((tile) => !tile.hidden);
    reach(fitting[0]);
    list.hidden = fitting.length === 0;
    list.scrollTop = 0;
    told.textContent = fitting.length ? "Point at an image, or move to it with Tab and the arrow keys." : "No image fits.";
    status.textContent = `${fitting.length} of ${tiles.length} images of ${source.selectedOptions[0].text}.`;
    for (const range of [lowest, highest]) {
      range.setAttribute("aria-valuetext", `${range.value} %`);
      range.parentElement.querySelector(".reading").textContent = `${range.value} %`;
    }
  };

  const step = (event) => {
    const fitting = tiles.filter((tile) => !tile.hidden);
    const here = fitting.indexOf(event.target);
    const across = fitting.filter((tile) => tile.offsetTop === fitting[0].offsetTop).length;
    const to = {
      ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - across, ArrowDown: here + across,
      Home: 0, End: fitting.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const tile = fitting[to];
    if (!tile) return;
    reach(tile);
    tile.focus();
  };

  const asked = new URLSearchParams(location.search);
  for (const choice of [source, label, kind]) {
    if ([...choice.options].some((option) => option.value === asked.get(choice.name))) choice.value = asked.get(choice.name);
  }
  for (const range of [lowest, highest]) range.value = asked.get(range.name) ?? range.defaultValue;
  if (Number(lowest.value) > Number(highest.value)) highest.value = lowest.value;

  form.addEventListener("input", (event) => {
    if (event.target === source) open();
    if (Number(lowest.value) > Number(highest.value)) {
      const other = event.target === lowest ? highest : lowest;
      other.value = event.target.value;
    }
    show();
    history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}${location.hash}`);
  });
  list.addEventListener("keydown", step);
  open();
  show();
  form.hidden = told.hidden = false;
  gallery.querySelector("details").open = false;
}
