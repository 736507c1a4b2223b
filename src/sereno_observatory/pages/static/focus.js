/** Lists that are made anew while people stand on their buttons. */

/** Shows other rows in a list; who is on a button stays on the same one of the row with the same value of `data-key`. */
export function replaceRows(list, rows, key) {
  const row = list.contains(document.activeElement) ? document.activeElement.closest(`[data-${key}]`) : null;
  const on = row?.dataset[key];
  const which = row ? [...row.querySelectorAll("button")].indexOf(document.activeElement) : -1;
  list.replaceChildren(...rows);
  if (on === undefined) return;
  const same = [...list.querySelectorAll(`[data-${key}]`)].find((one) => one.dataset[key] === on);
  const buttons = [...(same?.querySelectorAll("button") ?? [])];
  (same?.matches("button") ? same : buttons[which] ?? buttons[0])?.focus({ preventScroll: true });
}
