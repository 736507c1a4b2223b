/** The trend page: window and pens in the URL, one chart, a legend that reads out values. */

import { tags as allTags } from "../api.js";
import { setText } from "../dom.js";
import { t } from "../i18n.js";
import { live } from "../live.js";
import { siteTime, siteZone } from "../present.js";
import "../shell.js";
import { TrendChart } from "./chart.js";
import { saveCsv, savePng } from "./export.js";
import { Figures } from "./figures.js";
import { Legend } from "./legend.js";
import { remember, remembered } from "./memory.js";
import { TrendModel } from "./model.js";
import { penSearch } from "./pensearch.js";
import { changed, fromUrl, parseLocal, parseSpan, toUrl } from "./window.js";

const byId = (id) => document.getElementById(id);
const asked = fromUrl(new URLSearchParams(location.search || remembered()));
const model = new TrendModel({ buckets: Math.max(200, Math.min(1600, Math.round(innerWidth * 0.8))) });
model.window = asked.window;
const chart = new TrendChart(byId("trend-chart"), model);
const legend = new Legend(byId("trend-legend"), model);
new Figures(byId("trend-figures"), model);
let tags = asked.tags;
let lastSpan = asked.window.live ? asked.window.span : 3600e3;
let zooming = 0;

function setTags(next) {
  tags = next;
  store();
  byId("trend-empty").hidden = tags.length > 0;
  return model.setTags(tags);
}

/** Continuous movements (wheel, pan) draw at once and ask the history when they rest. */
function setWindow(window, rest = 0) {
  if (window.live) lastSpan = window.span;
  clearTimeout(zooming);
  if (rest) {
    model.window = window;
    chart.draw();
    zooming = setTimeout(() => model.setWindow(window), rest);
  } else model.setWindow(window);
  store();
  showWindow();
}

function store() {
  const query = toUrl(tags, model.window);
  history.replaceState(null, "", `?${query}`);
  remember(query);
}

function showWindow() {
  const { window } = model;
  byId("trend-live").setAttribute("aria-pressed", String(window.live));
  for (const button of document.querySelectorAll("[data-span]")) {
    button.setAttribute("aria-pressed", String(window.live && parseSpan(button.dataset.span) === window.span));
  }
  const [from, to] = model.range();
  byId("trend-from").placeholder = siteTime(from * 1e3).slice(0, 16);
  byId("trend-to").placeholder = siteTime(to * 1e3).slice(0, 16);
  if (!window.live) {
    byId("trend-from").value = siteTime(window.from);
    byId("trend-to").value = siteTime(window.to);
  }
}

function move(change) {
  const [from, to] = model.range();
  setWindow(changed([from * 1e3, to * 1e3], change), 200);
}

function goLive() {
  byId("trend-from").value = "";
  byId("trend-to").value = "";
  setWindow({ live: true, span: lastSpan });
}

function applyFixed(event) {
  event.preventDefault();
  const [from, to] = [byId("trend-from"), byId("trend-to")].map((input) => parseLocal(input.value || input.placeholder, siteZone));
  const wrong = from === null || to === null || from >= to;
  setText(byId("trend-fixed-error"), wrong ? t("trend.fixed_error") : "");
  if (wrong) return;
  setWindow({ live: false, from, to });
  byId("trend-fixed").open = false;
}

function showState() {
  const problems = model.rejected.map((tag) => t("trend.rejected", { tag }));
  if (model.error) problems.push(t("trend.history_error", { reason: model.error }));
  setText(byId("trend-problem"), problems.join(" · "));
  byId("trend-problem").hidden = !problems.length;
  byId("trend-chart").setAttribute("aria-busy", String(model.loading));
}

for (const button of document.querySelectorAll("[data-span]")) {
  button.addEventListener("click", () => setWindow({ live: true, span: parseSpan(button.dataset.span) }));
}
byId("trend-live").addEventListener("click", goLive);
byId("trend-fixed-form").addEventListener("submit", applyFixed);
byId("trend-earlier").addEventListener("click", () => move({ shift: -0.5 }));
byId("trend-later").addEventListener("click", () => move({ shift: 0.5 }));
byId("trend-closer").addEventListener("click", () => move({ factor: 0.5 }));
byId("trend-wider").addEventListener("click", () => move({ factor: 2 }));
byId("trend-csv").addEventListener("click", () => saveCsv(model));
byId("trend-png").addEventListener("click", () => savePng(chart, model));
chart.addEventListener("zoom", ({ detail: [from, to] }) => setWindow({ live: false, from, to }, 200));
chart.addEventListener("cursor", ({ detail }) => legend.setCursor(detail));
legend.addEventListener("remove", ({ detail }) => setTags(tags.filter((tag) => tag !== detail)));
legend.addEventListener("activate", ({ detail }) => chart.setActive(detail));
model.addEventListener("state", showState);
document.addEventListener("golive", goLive);
byId("trend-chart").addEventListener("keydown", (event) => {
  const change = { ArrowLeft: { shift: -0.2 }, ArrowRight: { shift: 0.2 }, "+": { factor: 0.5 }, "-": { factor: 2 } }[event.key];
  if (!change) return;
  event.preventDefault();
  move(change);
});
penSearch(byId("trend-add"), byId("trend-add-list"), allTags().catch(() => []), (tag) => setTags([...new Set([...tags, tag])]));
live.addEventListener("heartbeat", () => model.window.live && showWindow());
showWindow();
await setTags(tags);
