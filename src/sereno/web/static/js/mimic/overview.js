/** The first page of a plant without a drawing: each device with a live trend and its first tags. */

import { tags as allTags } from "../api.js";
import "../components/value.js";
import { el, svgEl } from "../dom.js";
import { t } from "../i18n.js";
import "../shell.js";
import { TrendChart, penStyle } from "../trend/chart.js";
import { withTags } from "../trend/memory.js";
import { TrendModel } from "../trend/model.js";

const SPAN = 60e3;
const DEVICES = 12;
const TRENDS = 6;
const ROWS = 10;
const PENS = 3;
const place = document.getElementById("overview");

function deviceOf(tag) {
  return tag.split("/").slice(0, -1).join("/");
}

/** What a glance wants to see: measured numbers of one unit. */
function pensOf(specs) {
  const measured = specs.filter((spec) => spec.type.startsWith("float") && !spec.shape?.length && spec.access !== "write");
  return measured.filter((spec) => spec.unit === measured[0].unit && spec.access === measured[0].access).slice(0, PENS);
}

function line(n) {
  const { color, dash } = penStyle(n);
  const stroke = svgEl("line", { x1: 0, y1: 6, x2: 28, y2: 6, stroke: color, "stroke-width": 3, "stroke-dasharray": dash.join(" ") || "none" });
  return svgEl("svg", { class: "legend-line", viewBox: "0 0 28 12", "aria-hidden": "true" }, stroke);
}

/** The tag's own name, and below it what it is said to be, where that says more. */
function row(spec, n) {
  const own = spec.tag.split("/").at(-1).replaceAll("_", " ");
  const name = el("button", { type: "button", className: "link-button", dataset: { openTag: spec.tag } }, own);
  const says = spec.description && spec.description.toLowerCase() !== own.toLowerCase() ? el("span", { className: "page-sub overview-says" }, spec.description) : null;
  return el("tr", {}, el("th", { scope: "row" }, n < 0 ? null : line(n), " ", name, says), el("td", { className: "number" }, el("sr-value", { tag: spec.tag })));
}

/** The tags that are drawn come first. */
function table(device, specs, pens) {
  const shown = [...pens, ...specs.filter((spec) => !pens.includes(spec))].slice(0, ROWS);
  return el("table", { className: "table" }, el("caption", { className: "unseen" }, device), el("tbody", {}, ...shown.map((spec) => row(spec, pens.indexOf(spec)))));
}

function links(device, specs, pens) {
  return el("p", { className: "overview-links" },
    specs.length > ROWS ? el("a", { href: `/tags?${new URLSearchParams({ below: device })}` }, t("overview.all_tags", { count: specs.length })) : null,
    pens.length ? el("a", { href: withTags(pens.map(({ tag }) => tag)) }, t("nav.trend")) : null,
    el("a", { href: `/devices/${device}` }, t("nav.device")));
}

function card(device, specs, drawn) {
  const pens = drawn ? pensOf(specs) : [];
  const chart = pens.length ? el("div", { className: "minitrend-chart" }) : null;
  place.append(el("section", { className: "card" }, el("h2", {}, device), chart, table(device, specs, pens), links(device, specs, pens)));
  if (!chart) return;
  const model = new TrendModel({ buckets: 3000 });
  model.window = { live: true, span: SPAN };
  new TrendChart(chart, model, { compact: true });
  model.setTags(pens.map(({ tag }) => tag));
}

async function start() {
  const devices = new Map();
  for (const spec of await allTags()) {
    const device = deviceOf(spec.tag);
    if (device !== "sereno/node") devices.set(device, [...(devices.get(device) ?? []), spec]);
  }
  place.replaceChildren();
  [...devices].slice(0, DEVICES).forEach(([device, specs], n) => card(device, specs, n < TRENDS));
  if (devices.size > DEVICES) place.append(el("p", {}, el("a", { href: "/devices" }, t("overview.more", { count: devices.size - DEVICES }))));
  if (!devices.size) place.append(el("p", { className: "card empty" }, t("overview.none")));
}

start().catch((error) => place.replaceChildren(el("p", { className: "card empty", role: "alert" }, error.message)));
