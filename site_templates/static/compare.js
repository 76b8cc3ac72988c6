"use strict";

// Leaves two models of a page that has them all. The choice stands in the address, so that it can be sent.

for (const form of document.querySelectorAll("form.choose")) {
  const choices = ["first", "second"].map((name) => form.elements.namedItem(name));
  const status = form.querySelector("[role=status]");
  const columns = document.querySelectorAll("[data-model]");
  const pairs = document.querySelectorAll("[data-pair]");
  const groups = document.querySelectorAll(".sideways .group th");

  const show = () => {
    const chosen = choices.map((choice) => choice.value);
    for (const column of columns) column.hidden = !chosen.includes(column.dataset.model);
    for (const pair of pairs) {
      const models = pair.dataset.pair.split(" ");
      pair.hidden = !(models.includes(chosen[0]) && models.includes(chosen[1]));
    }
    const same = chosen[0] === chosen[1];
    for (const group of groups) group.colSpan = same ? 3 : 4;
    for (const pair of pairs) pair.hidden ||= same;
    status.textContent = same ? `Only ${chosen[0]}: choose two different models.` : `${chosen[0]} beside ${chosen[1]}.`;
  };

  const asked = new URLSearchParams(location.search);
  for (const choice of choices) {
    const names = [...choice.options].map((option) => option.value);
    const wanted = asked.get(choice.name);
    choice.value = names.includes(wanted) ? wanted : form.dataset[choice.name];
    choice.addEventListener("change", () => {
      show();
      history.replaceState(null, "", `?first=${choices[0].value}&second=${choices[1].value}${location.hash}`);
    });
  }
  show();
  form.hidden = false;
}
