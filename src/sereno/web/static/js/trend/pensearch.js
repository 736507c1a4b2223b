/** A search field that adds pens. */

import { el } from "../dom.js";
import { best } from "../tags/search.js";
import { isDrawable } from "./model.js";

const SHOWN = 10;

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} list
 * @param {Promise<import("../format.js").TagSpec[]>} specs
 * @param {(tag: string) => void} onPick
 */
export function penSearch(input, list, specs, onPick) {
  let found = [];
  let at = 0;
  /** The search under way: Enter waits for it. */
  let searching = Promise.resolve();
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };
  const mark = () => {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    input.setAttribute("aria-activedescendant", found.length ? `pen-option-${at}` : "");
  };
  const pick = (tag) => {
    input.value = "";
    found = [];
    close();
    onPick(tag);
  };
  const search = async () => {
    found = input.value.trim() ? best((await specs).filter(isDrawable), input.value, SHOWN) : [];
    at = 0;
    list.replaceChildren(...found.map((spec, i) => el("li", {
      role: "option", id: `pen-option-${i}`, className: "palette-item", on: { mousedown: (event) => event.preventDefault(), click: () => pick(spec.tag) },
    }, el("span", {}, spec.tag), el("span", { className: "page-sub" }, spec.description ?? ""))));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark();
  };
  input.addEventListener("input", () => {
    searching = search();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      event.preventDefault();
      at = (at + step + found.length) % found.length;
      mark();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      searching.then(() => found[at] && pick(found[at].tag));
    }
    if (event.key === "Escape") close();
  });
  input.addEventListener("blur", close);
}
