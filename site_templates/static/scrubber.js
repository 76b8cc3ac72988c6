"use strict";

// Runs through the moments of a training: of one model, or of all at the same part of their trainings.

for (const section of document.querySelectorAll(".films")) {
  const films = [...section.querySelectorAll(".film")].map((film) => {
    const numbers = (name) => film.dataset[name].split(",").map(Number);
    const range = film.querySelector("input");
    const status = film.querySelector("[role=status]");
    const frame = film.querySelector(".frame");
    const sheet = document.createElement("img"); // made here: without scripts its bytes would be loaded in vain
    const [steps, epochs, tops] = ["steps", "epochs", "tops"].map(numbers);
    const { height, ofSteps, ofEpochs } = film.dataset;

    const show = () => {
      const moment = Number(range.value);
      const said = `epoch ${epochs[moment].toFixed(1)} of ${ofEpochs}, step ${steps[moment].toLocaleString("en")}`;
      sheet.style.transform = `translateY(${(-100 * tops[moment]) / frame.dataset.height}%)`;
      range.setAttribute("aria-valuetext", said);
      status.textContent = said;
    };

    sheet.loading = "lazy";
    sheet.alt = frame.dataset.alt;
    sheet.src = frame.dataset.sheet;
    frame.append(sheet);
    frame.style.aspectRatio = `${frame.dataset.width} / ${height}`;
    range.addEventListener("input", show);
    show();
    film.querySelector("form").hidden = frame.hidden = false;
    film.querySelector("details").open = false;
    return { parts: steps.map((step) => step / ofSteps), range, show };
  });

  for (const form of section.querySelectorAll(".together")) {
    const range = form.querySelector("input");
    const status = form.querySelector("[role=status]");
    const least = Math.min(...films.map((film) => film.parts[0]));

    // Most happens early: equal ways on the control are equal factors of the part.
    const part = () => least ** (1 - range.value / range.max);
    const nearest = (parts) => {
      const ways = parts.map((each) => Math.abs(Math.log(each / part())));
      return ways.indexOf(Math.min(...ways));
    };
    const say = () => {
      const said = `${(100 * part()).toFixed(part() < 0.1 ? 1 : 0)} % of the training`;
      range.setAttribute("aria-valuetext", said);
      status.textContent = `Each model at its moment nearest to ${said}.`;
    };

    range.addEventListener("input", () => {
      for (const film of films) {
        film.range.value = nearest(film.parts);
        film.show();
      }
      say();
    });
    for (const film of films) film.range.addEventListener("input", () => { status.textContent = "Each model at a moment of its own."; });
    say();
    form.hidden = false;
  }
}
