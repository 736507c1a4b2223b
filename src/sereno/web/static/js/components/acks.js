/** The life of a command as a list: accepted, then what became of it, in words and shapes. */

import { el } from "../dom.js";
import { formatValue } from "../format.js";
import { lang, t } from "../i18n.js";

const SIGNS = {
  requested: "·", authorised: "·", selected: "·", accepted: "→", progress: "…",
  done: "✓", failed: "✕", refused: "⊘", cancelled: "–", timed_out: "✕", unknown: "?",
};

/**
 * Shows acks in a list element.
 * @param {HTMLElement} list
 * @param {import("../commands.js").Ack[]} acks
 * @param {import("../format.js").TagSpec} spec
 * @param {boolean} waiting true while the final one is awaited
 */
export function showAcks(list, acks, spec, waiting) {
  const items = acks.map((ack) => item(ack.state, words(ack, spec)));
  const held = acks.at(-1)?.state === "selected";
  if (waiting) items.push(item("waiting", t(held ? "command.waiting_people" : "command.waiting")));
  list.replaceChildren(...items);
}

function item(state, text) {
  return el("li", { className: "ack", dataset: { state } }, el("span", { className: "ack-sign", "aria-hidden": "true" }, SIGNS[state] ?? ""), text);
}

function words(ack, spec) {
  const parts = [t(`command.${ack.state}`)];
  if (ack.state === "done" && ack.value !== null && ack.value !== undefined) {
    parts.push(t("command.readback", { value: formatValue(spec, ack.value, lang, t) }));
  }
  if (ack.reason && ack.state !== "selected") parts.push(ack.reason); // what it waits for stands beside, with its buttons
  return parts.join(" · ");
}
