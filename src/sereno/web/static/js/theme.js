/** Light, dark and night. Fires "themechange" on the document after a change. */

export const THEMES = ["light", "dark", "night"];

/** @returns {string} */
export function theme() {
  return document.documentElement.dataset.theme;
}

/** @param {string} name one of THEMES */
export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem("theme", name);
  } catch {
    // storage switched off: the theme lasts as long as the page
  }
  document.dispatchEvent(new Event("themechange"));
}

let before = "light";

/** Night on, or back to what was before. */
export function toggleNight() {
  if (theme() === "night") setTheme(before);
  else {
    before = theme();
    setTheme("night");
  }
}
