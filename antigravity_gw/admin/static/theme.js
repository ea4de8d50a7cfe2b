// Light or dark, as the system says or as was chosen here.  Loaded before
// anything is drawn, so that nothing flashes in the wrong colours.
"use strict";

(() => {
  const CHOICES = ["system", "light", "dark"];
  const root = document.documentElement;

  function chosen() {
    try {
      const kept = localStorage.getItem("theme");
      return CHOICES.includes(kept) ? kept : "system";
    } catch {
      return "system"; // a browser that keeps nothing
    }
  }

  function apply(choice) {
    root.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (button) {
      const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      button.textContent = `Theme: ${choice}`;
      button.setAttribute("aria-label", `Theme: ${choice}. Switch to ${next}`);
    }
    dispatchEvent(new Event("themechange"));
  }

  function next() {
    const choice = CHOICES[(CHOICES.indexOf(root.dataset.theme) + 1) % CHOICES.length];
    try {
      localStorage.setItem("theme", choice);
    } catch {
      // it holds until the page is left
    }
    apply(choice);
  }

  apply(chosen());
  addEventListener("DOMContentLoaded", () => {
    apply(chosen());
    document.getElementById("theme").addEventListener("click", next);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    dispatchEvent(new Event("themechange"));
  });
})();
