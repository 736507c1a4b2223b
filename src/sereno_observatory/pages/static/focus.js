/** Lists that are made anew while people stand on their buttons. */

/** Shows other rows in a list; who is on a button stays on the one with the same value of `data-key`. */
export function replaceRows(list, rows, key) {
  const on = list.contains(document.activeElement) ? document.activeElement.closest(`[data-${key}]`)?.dataset[key] : undefined;
  list.replaceChildren(...rows);
  if (on === undefined) return;
  const same = [...list.querySelectorAll(`[data-${key}]`)].find((one) => one.dataset[key] === on);
  (same?.matches("button") ? same : same?.querySelector("button"))?.focus({ preventScroll: true });
}
