/** The tree of areas and devices beside the table. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { treeOf } from "./search.js";

/**
 * @param {HTMLElement} place
 * @param {Array<{tag: string}>} specs
 * @param {string} chosen path of the chosen node, "" = all
 * @param {(path: string) => void} onChoose
 */
export function showTree(place, specs, chosen, onChoose) {
  const button = (path, name, count) => el("button", {
    type: "button", className: "tree-node", "aria-pressed": String(path === chosen), on: { click: () => onChoose(path) },
  }, el("span", { className: "tree-name" }, name), el("span", { className: "tree-count" }, String(count)));
  const branch = (node) => {
    if (!node.children.length) return el("li", {}, button(node.path, node.name, node.count));
    const open = node.children.length < 30 || chosen.startsWith(`${node.path}/`);
    return el("li", {}, el("details", { open }, el("summary", { className: "tree-summary", "aria-label": node.name }), button(node.path, node.name, node.count), el("ul", {}, ...node.children.map(branch))));
  };
  place.replaceChildren(el("ul", { className: "tree" }, el("li", {}, button("", t("tags.all"), specs.length)), ...treeOf(specs).map(branch)));
}
