"use strict";
// The page is complete without this: it filters the table by section, copies, and opens what a link points to.
(() => {
  const form = document.querySelector(".filter");
  const sections = [...document.querySelectorAll(".section")];
  const show = (element, shown) => element.toggleAttribute("data-out", !shown);

  function filter() {
    const data = new FormData(form);
    const words = data.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    const levels = data.getAll("l"), marks = data.getAll("k");
    const active = words.length + levels.length + marks.length > 0;
    let results = 0;
    for (const section of sections) {
      let inSection = 0;
      for (const row of section.querySelectorAll(".row")) {
        const demand = row.firstElementChild.textContent.toLowerCase();
        const level = !levels.length || levels.includes(row.dataset.l);
        let inRow = 0;
        for (const line of row.querySelectorAll("li")) {
          const text = demand + line.textContent.toLowerCase();
          const fits = level && (!marks.length || marks.includes(line.dataset.k)) && words.every((word) => text.includes(word));
          show(line, fits);
          inRow += fits;
        }
        show(row, inRow);
        inSection += inRow;
      }
      show(section, inSection);
      section.open = active && inSection > 0;
      results += inSection;
    }
    for (const rfc of document.querySelectorAll(".rfc")) show(rfc, rfc.querySelector(".section:not([data-out])"));
    form.querySelector("output").textContent = active ? `${results} results` : "";
    return active ? new URLSearchParams([...data].filter(([, value]) => value)).toString() : "";
  }

  // The fragment is either an id or, behind "?", the state of the filter.
  function follow() {
    const fragment = decodeURIComponent(location.hash.slice(1));
    if (fragment.startsWith("?")) {
      const state = new URLSearchParams(location.hash.slice(2));
      form.elements.q.value = state.get("q") || "";
      for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = state.getAll(box.name).includes(box.value);
      filter();
      return;
    }
    const target = fragment && document.getElementById(fragment);
    if (!target) return;
    if (target.matches("details")) target.open = true;
    for (let inner = target.parentElement; inner; inner = inner.parentElement) if (inner.matches("details")) inner.open = true;
    target.scrollIntoView();
  }

  function remember() {
    const state = filter();
    history.replaceState(null, "", state ? `#?${state}` : location.pathname + location.search);
  }

  form.hidden = false;
  form.addEventListener("input", remember);
  form.addEventListener("reset", () => setTimeout(remember));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  follow();

  for (const button of document.querySelectorAll(".copy button")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
})();
