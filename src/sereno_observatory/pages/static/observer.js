/** The image just taken, and all of the night: stretch, zoom, header, figures; and what the observer is at. */

import { bindings, el, formatNumber, lang, request, setText, siteTime, svgEl, t } from "../../js/public.js";
import { commandForms, devices } from "./forms.js";
import "./log.js";
import { site } from "./site.js";
import { ImageView } from "./view.js";
import "./words.js";

const STRETCHES = ["linear", "percentile", "asinh"];
const SETTLE = 300;
const place = (id) => document.getElementById(id);
let newest = "";

const url = (name, id, more = {}) => `app/observatory/${name}?${new URLSearchParams({ id, ...more })}`;

async function part(id, [x, y, w, h]) {
  const response = await fetch(`/api/v1/${url("pixels", id, { x, y, w, h })}`, { credentials: "same-origin" });
  if (!response.ok) throw new Error((await response.json().catch(() => null))?.detail ?? `HTTP ${response.status}`);
  return response.arrayBuffer();
}

const view = new ImageView(place("canvas"), part);

function histogram({ histogram: counts }) {
  const most = Math.log1p(Math.max(...counts));
  const bars = counts.map((count, i) => `M${i + 0.5} 60V${(60 - (60 * Math.log1p(count)) / most).toFixed(1)}`).join("");
  place("histogram").replaceChildren(svgEl("svg", { class: "ob-histogram", viewBox: "0 0 256 60", preserveAspectRatio: "none", role: "img", "aria-label": t("observatory.histogram") }, svgEl("path", { d: bars })));
}

function figures(facts) {
  const number = (value) => formatNumber(value, Math.abs(value) < 100 ? 2 : 0, lang);
  const rows = [["size", `${facts.width} × ${facts.height} × ${facts.bits} bit`], ...["low", "high", "mean", "median", "deviation"].map((name) => [name, number(facts.statistics[name])])];
  if (facts.every > 1) rows.push(["every", String(facts.every)]);
  place("figures").replaceChildren(...rows.flatMap(([name, text]) => [el("dt", {}, t(`observatory.figure.${name}`)), el("dd", {}, text)]));
  place("cards").replaceChildren(...facts.cards.map(([name, value]) => el("tr", {}, el("th", { scope: "row", className: "mono" }, name), el("td", {}, String(value)))));
  histogram(facts);
}

async function open(id) {
  setText(place("image-note"), t("observatory.image.loading"));
  try {
    const facts = await request(url("image", id));
    view.open(id, facts);
    figures(facts);
    setText(place("image-name"), id.split("/").at(-1));
    place("download").href = `/api/v1/${url("fits", id)}`;
    place("download").hidden = false;
    setText(place("image-note"), "");
  } catch (error) {
    setText(place("image-note"), error.message);
  }
  for (const button of place("images").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.image === id));
}

function item(one) {
  return el("li", {}, el("button", { type: "button", className: "link-button", dataset: { image: one.id }, "aria-pressed": String(one.id === view.id), on: { click: () => {
    place("follow").checked = false;
    open(one.id);
  } } }, el("span", { className: "ob-file" }, one.name), el("span", { className: "page-sub" }, `${siteTime(Date.parse(one.t))} · ${formatNumber(one.bytes / 2 ** 20, 1, lang)} MiB`)));
}

async function list() {
  try {
    const { images } = await request("app/observatory/images");
    place("images").replaceChildren(...images.map(item));
    setText(place("list-note"), images.length ? "" : t("observatory.image.none"));
    if (!images.length || images[0].id === newest) return;
    newest = images[0].id;
    if (place("follow").checked) await open(newest);
  } catch (error) {
    setText(place("list-note"), error.message);
  }
}

function tools() {
  const buttons = STRETCHES.map((name) => el("button", { type: "button", className: "button", "aria-pressed": String(name === view.stretch), on: { click: (event) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
    view.setStretch(name, place("invert").checked);
  } } }, t(`observatory.stretch.${name}`)));
  place("stretches").append(...buttons);
  place("invert").addEventListener("change", () => view.setStretch(view.stretch, place("invert").checked));
  place("follow").addEventListener("change", () => {
    if (place("follow").checked && newest) open(newest);
  });
  place("zoom-in").addEventListener("click", () => view.zoom(view.view.scale * 1.5));
  place("zoom-out").addEventListener("click", () => view.zoom(view.view.scale / 1.5));
  place("zoom-fit").addEventListener("click", () => view.fit());
  place("zoom-one").addEventListener("click", () => view.zoom(1));
  view.addEventListener("cursor", ({ detail }) => setText(place("pixel"), detail ? `x ${detail.column + 1}  y ${detail.row + 1}  ${detail.value === null ? "" : formatNumber(detail.value, 1, lang)}${detail.bins > 1 ? ` (${detail.bins}×${detail.bins})` : ""}` : ""));
  view.addEventListener("trouble", ({ detail }) => setText(place("image-note"), detail.message));
}

async function execution() {
  const card = place("execution");
  if (!site.observer) return card.append(el("p", { className: "page-sub" }, t("observatory.no_observer")));
  const at = (name) => `${site.observer}/${name}`;
  const rows = [["executing", "sr-value"], ["target", "sr-value"], ["taken", "sr-value"], ["images", "sr-value"], ["overhead", "sr-value"], ["result", "sr-value"], ["instruments_status", "ob-words"]];
  card.append(el("p", { className: "ob-word" }, el("ob-words", { tag: at("activity") })),
    el("dl", { className: "facts ob-facts" }, ...rows.flatMap(([name, element]) => [el("dt", {}, t(`observatory.tag.${name}`)), el("dd", {}, el(element, { tag: at(name) }))])));
  place("log").append(el("ob-log", { agent: site.observer }));
  place("log").hidden = false;
  if (!site.called.includes("observer")) return null;
  const device = (await devices()).get(site.observer);
  if (device) card.append(commandForms(device));
  return null;
}

/** A new image shows itself: the tags that name it change. */
function watch() {
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(list, SETTLE);
  };
  const tags = site.instruments.filter((one) => one.kind === "camera").map((one) => `${one.path}/image`);
  for (const tag of [...tags, ...(site.observer ? [`${site.observer}/last_image`] : [])]) bindings.bind(tag, soon);
}

tools();
execution();
list().then(watch);
