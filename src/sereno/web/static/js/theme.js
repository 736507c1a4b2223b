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
    if (name !== "night") localStorage.setItem("day", name);
  } catch {
    // storage switched off: the theme lasts as long as the page
  }
  document.dispatchEvent(new Event("themechange"));
}

/** What to go back to in the morning. */
function byDay() {
  try {
    return localStorage.getItem("day") ?? "light";
  } catch {
    return "light";
  }
}

/** Night on, or back to what was before. */
export function toggleNight() {
  setTheme(theme() === "night" ? byDay() : "night");
}
