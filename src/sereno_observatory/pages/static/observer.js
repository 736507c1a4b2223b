/** The image just taken, and all of the night: stretch, zoom, header, figures; and what the observer is at. */

import { bindings, el, formatNumber, lang, request, setText, siteTime, svgEl, t, zoneName } from "../../js/public.js";
import "./angles.js";
import { replaceRows } from "./focus.js";
import { commandForms, devices } from "./forms.js";
import "./log.js";
import { site } from "./site.js";
import { ImageView, cuts } from "./view.js";
import { inWords } from "./words.js";

const STRETCHES = ["linear", "percentile", "zscale", "asinh"];
const SETTLE = 300;
const place = (id) => document.getElementById(id);
let [newest, wanted] = ["", ""];
let listed = [];
let measured = 0;

const url = (name, id, more = {}) => `app/observatory/${name}?${new URLSearchParams({ id, ...more })}`;

async function part(id, [x, y, w, h]) {
  const response = await fetch(`/api/v1/${url("pixels", id, { x, y, w, h })}`, { credentials: "same-origin" });
  if (!response.ok) throw new Error((await response.json().catch(() => null))?.detail ?? `HTTP ${response.status}`);
  return response.arrayBuffer();
}

const view = new ImageView(place("canvas"), part);

/** Where grey begins and ends stands in it as two lines. */
function histogram(facts) {
  const counts = facts.histogram;
  const [wide, from] = counts.length > 1 ? [256 / counts.length, 0] : [4, 126];
  const most = Math.log1p(Math.max(...counts));
  const bars = counts.map((count, i) => `M${(from + i * wide).toFixed(2)} 60v${((-60 * Math.log1p(count)) / most).toFixed(1)}h${wide.toFixed(2)}V60Z`).join("");
  const lines = cuts(view.stretch, facts).map((level) => Math.min(255, Math.max(1, (level / 65535) * 256))).map((x) => `M${x.toFixed(1)} 0V60`).join("");
  place("histogram").replaceChildren(svgEl("svg", { class: "ob-histogram", viewBox: "0 0 256 60", preserveAspectRatio: "none", role: "img", "aria-label": t("observatory.histogram") },
    svgEl("path", { d: bars }), svgEl("path", { class: "ob-cuts", d: lines })));
}

function figures(facts) {
  const number = (value, whole) => formatNumber(value, whole || Math.abs(value) >= 1000 ? 0 : Math.abs(value) < 100 ? 2 : 1, lang);
  const rows = [["size", `${facts.width} × ${facts.height} × ${facts.bits} bit`], ...["low", "high"].map((name) => [name, number(facts.statistics[name], facts.whole)]),
    ...["mean", "median", "deviation"].map((name) => [name, number(facts.statistics[name], false)])];
  const { saturated } = facts.statistics;
  if (saturated) rows.push(["saturated", `${formatNumber(saturated, 0, lang)} (${formatNumber((100 * saturated) / (facts.width * facts.height), 1, lang)} %)`]);
  if (facts.every > 1) rows.push(["every", String(facts.every)]);
  place("figures").replaceChildren(...rows.flatMap(([name, text]) => [el("dt", {}, t(`observatory.figure.${name}`)), el("dd", {}, text)]));
  place("cards").replaceChildren(...facts.cards.map(([name, value]) => el("tr", {}, el("th", { scope: "row", className: "mono" }, name), el("td", {}, typeof value === "boolean" ? (value ? "T" : "F") : String(value)))));
  histogram(facts);
}

/** Shows an image; of several that are asked for one after the other, the last one. */
async function open(id) {
  wanted = id;
  const file = id.split("/").at(-1);
  setText(place("image-note"), t("observatory.image.loading"));
  for (const button of place("images").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.image === id));
  try {
    const facts = await request(url("image", id));
    if (id !== wanted) return;
    view.open(id, facts);
    figures(facts);
    const { low, high } = facts.statistics;
    setText(place("image-note"), low === high ? t("observatory.image.equal", { value: formatNumber(low, facts.whole ? 0 : 2, lang) }) : "");
  } catch (error) {
    if (id !== wanted) return;
    view.clear();
    for (const name of ["figures", "cards", "histogram"]) place(name).replaceChildren();
    setText(place("image-note"), error.message);
  }
  setText(place("star"), "");
  setText(place("image-name"), file);
  setText(place("image-what"), describe(listed.find((one) => one.id === id)));
  place("download").href = `/api/v1/${url("fits", id)}`;
  place("download").hidden = false;
}

function cameraOf(one) {
  return site.instruments.find(({ path }) => path.replaceAll("/", "-") === one.camera)?.path.split("/").at(-1) ?? one.camera;
}

/** What an image is of, with which camera and filter, how long and when. */
function describe(one) {
  if (!one) return "";
  const kind = inWords(one.kind.replace(/ frame$/i, ""));
  return [one.object, kind, cameraOf(one), one.filter, one.exposure === null ? "" : `${formatNumber(one.exposure, one.exposure < 10 ? 2 : 1, lang)} s`,
    `${siteTime(Date.parse(one.t))} ${zoneName}`].filter(Boolean).join(" · ");
}

function item(one) {
  const head = [one.object || cameraOf(one), one.filter || inWords(one.kind.replace(/ frame$/i, "")), one.exposure === null ? "" : `${formatNumber(one.exposure, one.exposure < 10 ? 2 : 1, lang)} s`];
  return el("li", {}, el("button", { type: "button", className: "link-button", title: one.name, dataset: { image: one.id }, "aria-pressed": String(one.id === wanted), on: { click: () => {
    place("follow").checked = false;
    open(one.id);
  } } }, el("span", { className: "ob-file" }, head.filter(Boolean).join(" · ")),
  el("span", { className: "page-sub" }, `${cameraOf(one)} · ${siteTime(Date.parse(one.t))} · ${formatNumber(one.bytes / 2 ** 20, 1, lang)} MiB`)));
}

/** The cameras that images are there of, to look at one alone. */
function cameras() {
  const found = new Map(listed.map((one) => [one.camera, cameraOf(one)]));
  const select = place("camera");
  const known = [...select.options].map((option) => option.value).filter(Boolean);
  for (const [camera, name] of found) if (!known.includes(camera)) select.append(el("option", { value: camera }, name));
  select.closest("label").hidden = select.options.length < 3;
}

function showList() {
  const camera = place("camera").value;
  const shown = listed.filter((one) => !camera || one.camera === camera);
  replaceRows(place("images"), shown.map(item), "image");
  setText(place("list-note"), shown.length ? "" : t("observatory.image.none"));
  if (!shown.length || shown[0].id === newest) return null;
  newest = shown[0].id;
  return place("follow").checked ? open(newest) : null;
}

async function list() {
  try {
    listed = (await request("app/observatory/images")).images;
    cameras();
    await showList();
  } catch (error) {
    setText(place("list-note"), error.message);
  }
}

/** Measures the star where somebody points. */
async function measure({ column, row }) {
  const [id, number] = [view.id, ++measured];
  const stale = () => id !== view.id || number !== measured;
  setText(place("star"), "…");
  try {
    const { star } = await request(url("star", id, { x: column, y: row }));
    if (stale()) return;
    view.mark(star);
    const text = (value, decimals) => formatNumber(value, decimals, lang);
    setText(place("star"), star === null ? t("observatory.star.none") : t("observatory.star", {
      x: text(star.x + 1, 1), y: text(star.y + 1, 1), fwhm: text(star.fwhm, 2), peak: text(star.peak, 0), flux: text(star.flux, 0), sky: text(star.sky, 0),
    }));
  } catch (error) {
    if (!stale()) setText(place("star"), error.message);
  }
}

function pixel(detail) {
  if (!detail) return "";
  const value = detail.value === null ? "" : formatNumber(detail.value, view.facts.whole && detail.bins === 1 ? 0 : 1, lang);
  return `x ${detail.column + 1}  y ${detail.row + 1}  ${value}${detail.bins > 1 ? ` (${t("observatory.pixel.mean", { n: detail.bins })})` : ""}`;
}

function tools() {
  const buttons = STRETCHES.map((name) => el("button", { type: "button", className: "button", "aria-pressed": String(name === view.stretch), on: { click: (event) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
    view.setStretch(name, place("invert").checked);
    if (view.facts) histogram(view.facts);
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
  place("camera").addEventListener("change", showList);
  view.addEventListener("cursor", ({ detail }) => setText(place("pixel"), pixel(detail)));
  view.addEventListener("pick", ({ detail }) => measure(detail));
  view.addEventListener("trouble", ({ detail }) => setText(place("image-note"), detail.message));
}

/** What each camera is at, and how long it goes on. */
function exposures() {
  const rows = site.instruments.filter((one) => one.kind === "camera").map(({ path }) => el("li", {},
    el("span", {}, path.split("/").at(-1)), el("ob-words", { tag: `${path}/state` }), el("ob-progress", { className: "ob-progress", tag: `${path}/progress` }), el("sr-value", { tag: `${path}/exposure_left` })));
  return el("ul", { className: "ob-exposures", "aria-label": t("observatory.exposures") }, ...rows);
}

async function execution() {
  const card = place("execution");
  if (!site.observer) return card.append(el("p", { className: "page-sub" }, t("observatory.no_observer")));
  const at = (name) => `${site.observer}/${name}`;
  const value = (name) => el("sr-value", { tag: at(name) });
  const words = (name) => el("ob-words", { tag: at(name) });
  const rows = [["executing", el("ob-name", { tag: at("executing") })], ["target", el("ob-aim", { tag: at("target") })], ["taken", value("taken"), " / ", value("images")], ["overhead", el("ob-age", { tag: at("overhead") })],
    ["result", words("result")], ["instruments_status", words("instruments_status")]];
  card.append(el("p", { className: "ob-word" }, el("ob-words", { tag: at("activity") })),
    el("dl", { className: "facts ob-facts" }, ...rows.flatMap(([name, ...shown]) => [el("dt", {}, t(`observatory.tag.${name}`)), el("dd", {}, ...shown)])), exposures());
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
