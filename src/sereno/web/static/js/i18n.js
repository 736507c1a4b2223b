/** The catalogue of the page's language, the same file that the templates use. */

export const lang = document.documentElement.lang || "en";

/** @type {Record<string, string>} */
const catalogue = await fetch(`/locale/${lang}.json`)
  .then((response) => (response.ok ? response.json() : {}))
  .catch(() => ({}));

/**
 * The text of a key, with {name} replaced by the parameter of that name; the key itself where it is missing.
 * @param {string} key
 * @param {Record<string, string | number>} [parameters]
 * @returns {string}
 */
export function t(key, parameters = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(parameters[name] ?? whole));
}
