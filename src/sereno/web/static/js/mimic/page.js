/** The mimic page: a bound drawing, or the same tags as a table (?view=table). */

import { bindings } from "../bindings.js";
import { openFaceplate } from "../components/faceplate.js";
import { el, setAttribute } from "../dom.js";
import { lang, t } from "../i18n.js";
import { look } from "../present.js";
import "../shell.js";
import { commandWords, isCommand, painters, tagsOf } from "./bind.js";

const drawing = document.getElementById("mimic");
const listing = document.getElementById("mimic-table");

/** Texts of the drawing in the page's language, where the drawing has them. */
function translate(svg) {
  for (const text of svg.querySelectorAll(`[data-${lang}]`)) {
    const words = text.dataset[lang];
    if (text.matches("text, tspan, title")) text.textContent = words;
    else text.dataset.name = words;
  }
}

/** The tag that a click on an element opens. */
function openedBy(element) {
  const { write, tag, level, state, running, rotate, flow } = element.dataset;
  return write ?? tag ?? level ?? state ?? running ?? rotate ?? flow ?? null;
}

function bindElement(element) {
  for (const { tag, paint } of painters(element)) bindings.bind(tag, paint);
}

/** A shape that can be pressed: one focus stop per group, named with its present value. */
function makeButton(element) {
  const tag = openedBy(element);
  if (!tag || element.parentElement.closest("[role=button]")) return;
  setAttribute(element, "role", "button");
  setAttribute(element, "tabindex", "0");
  const command = isCommand(element) ? makeCommand(element) : null;
  const name = element.dataset.name;
  const title = element.querySelector(":scope > title") ?? element.insertBefore(document.createElementNS("http://www.w3.org/2000/svg", "title"), element.firstChild);
  bindings.bind(tag, (state) => {
    const { spoken } = look(state);
    const words = command ? command(state.spec) : name ? `${name} · ${spoken}` : spoken;
    setAttribute(element, "aria-label", words);
    if (title.textContent !== words) title.textContent = words;
  });
  const open = () => openFaceplate(tag, { opener: element, write: Boolean(element.dataset.write) });
  element.addEventListener("click", open);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  });
}

/** A command's own look and words; what it gives says them with what the tag is for. */
function makeCommand(element) {
  const text = element.querySelector("text");
  element.dataset.words = text?.textContent.trim() ?? "";
  element.classList.add("command");
  element.classList.remove("is-set");
  const box = element.querySelector("rect");
  if (text && box) {
    setAttribute(text, "x", String(Number(box.getAttribute("width")) / 2));
    setAttribute(text, "text-anchor", "middle");
  }
  return (spec) => {
    const words = commandWords(element, spec);
    if (text && text.textContent !== words) text.textContent = words;
    return spec?.description && spec.description !== words ? `${words} · ${spec.description}` : words;
  };
}

function bound(svg) {
  return [...svg.querySelectorAll("[data-tag], [data-level], [data-running], [data-state], [data-rotate], [data-visible], [data-flow], [data-write]")];
}

/** The same tags as a table, under the headings of the drawing's areas. */
function buildTable(svg) {
  const seen = new Set();
  const areas = new Map();
  for (const element of bound(svg)) {
    const area = element.closest("[data-area]")?.dataset.name ?? "";
    for (const tag of [openedBy(element), ...tagsOf(element)]) {
      if (!tag || seen.has(tag)) continue;
      seen.add(tag);
      areas.set(area, [...(areas.get(area) ?? []), tag]);
    }
  }
  listing.replaceChildren(...[...areas].map(([area, tags]) => el("section", { className: "card" }, area ? el("h2", {}, area) : null,
    el("table", { className: "table" }, el("caption", { className: "unseen" }, area || t("nav.mimic")),
      el("thead", {}, el("tr", {}, ...["description", "tag", "value"].map((name) => el("th", { scope: "col", className: name === "value" ? "number" : `col-${name}` }, t(`tags.column_${name}`))))),
      el("tbody", {}, ...tags.map(tableRow))))));
}

function tableRow(tag) {
  const description = el("button", { type: "button", className: "link-button", dataset: { openTag: tag } }, tag.split("/").at(-1).replaceAll("_", " "));
  bindings.bind(tag, ({ spec }) => {
    if (spec?.description) description.textContent = spec.description;
  });
  return el("tr", {}, el("th", { scope: "row" }, description), el("td", { className: "col-tag" }, tag), el("td", { className: "number" }, el("sr-value", { tag })));
}

function show(view, svg) {
  const table = view === "table";
  if (table && !listing.childElementCount) buildTable(svg);
  drawing.hidden = table;
  listing.hidden = !table;
  for (const link of document.querySelectorAll("[data-view]")) setAttribute(link, "aria-current", String(link.dataset.view === view));
}

/** The drawing's title becomes the heading: left in place it would be a tooltip over everything. */
function takeTitle(svg) {
  const title = svg.querySelector(":scope > title");
  if (!title) return;
  document.getElementById("mimic-name").textContent = title.textContent;
  title.remove();
}

function start(svg) {
  translate(svg);
  takeTitle(svg);
  for (const link of document.querySelectorAll("[data-view]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", link.dataset.view === "table" ? "?view=table" : location.pathname);
      show(link.dataset.view, svg);
    });
  }
  const view = new URLSearchParams(location.search).get("view") === "table" ? "table" : "drawing";
  show(view, svg);
  for (const element of bound(svg)) bindElement(element);
  for (const element of bound(svg)) makeButton(element);
}

const svg = drawing?.querySelector("svg");
if (svg) start(svg);
