"use strict";

// Only in the single file. Marks the page that is shown in the navigation, and starts its scripts when it is first seen:
// each sees its own page as if it were the whole document.

const sheets = [...document.querySelectorAll("article.sheet")];
const started = new Set();

const asDocument = (sheet) => new Proxy(document, {
  get: (whole, key) => {
    if (key === "querySelector" || key === "querySelectorAll") return (selector) => sheet[key](selector);
    if (key === "getElementById") return (id) => whole.getElementById(`${sheet.id}--${id}`);
    const value = Reflect.get(whole, key, whole);
    return typeof value === "function" ? value.bind(whole) : value;
  },
  set: (whole, key, value) => Reflect.set(whole, key, value, whole),
});

const turn = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const sheet = target?.closest("article.sheet") ?? sheets[0];
  document.title = sheet.dataset.title;
  for (const link of document.querySelectorAll("header.site nav a")) {
    if (link.hash === `#${sheet.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (started.has(sheet)) return;
  started.add(sheet);
  for (const name of sheet.dataset.scripts.split(" ")) if (name) scripts[name](asDocument(sheet));
};

window.addEventListener("hashchange", turn);
turn();
