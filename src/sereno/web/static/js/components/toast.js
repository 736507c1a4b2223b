/** A short message that goes by itself. */

import { el } from "../dom.js";

const SHOWN = 2200;

/** @param {string} text */
export function toast(text) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const message = el("p", { className: "toast" }, text);
  place.append(message);
  setTimeout(() => message.remove(), SHOWN);
}
