/** The tag browser. */

import { tags as allTags } from "../api.js";
import { bindings } from "../bindings.js";
import { copyText } from "../components/clipboard.js";
import { openFaceplate } from "../components/faceplate.js";
import { setText } from "../dom.js";
import { t } from "../i18n.js";
import { look } from "../present.js";
import "../shell.js";
import { withTags } from "../trend/memory.js";
import { comparison, matcher } from "./search.js";
import { TagTable } from "./table.js";
import { showTree } from "./tree.js";

const RECHECK = 1000;
const SORTS = ["tag", "value", "quality", "description"];

const byId = (id) => document.getElementById(id);
const search = byId("tag-search");
const quality = byId("tag-quality");
const trend = byId("tag-trend");
const count = byId("tag-count");
const table = new TagTable(byId("tag-table"));

const parameters = new URLSearchParams(location.search);
const view = {
  query: parameters.get("q") ?? "",
  below: parameters.get("below") ?? "",
  quality: parameters.get("quality") ?? "",
  column: SORTS.includes(parameters.get("sort")) ? parameters.get("sort") : "tag",
  direction: parameters.get("order") === "down" ? -1 : 1,
};
/** @type {import("../format.js").TagSpec[]} */
let specs = [];
/** Bindings of every listed tag, held only while the order or the filter hangs on values. */
let watched = new Map();

function matching() {
  const fits = matcher(view.query);
  const inside = view.below ? (spec) => spec.tag.startsWith(`${view.below}/`) : () => true;
  return specs.filter((spec) => inside(spec) && fits(spec));
}

function watch(found) {
  const needed = view.quality || ["value", "quality"].includes(view.column) ? found : [];
  const names = new Set(needed.map((spec) => spec.tag));
  for (const [tag, stop] of watched) if (!names.has(tag)) stop();
  watched = new Map(needed.map(({ tag }) => [tag, watched.get(tag) ?? bindings.bind(tag, () => {})]));
}

function hasQuality(spec) {
  const state = bindings.state(spec.tag);
  return Boolean(state?.spec && state.known) && look(state).severity === view.quality;
}

function show() {
  const found = matching();
  watch(found);
  const shown = view.quality ? found.filter(hasQuality) : found;
  shown.sort(comparison(view.column, view.direction, (tag) => bindings.state(tag)));
  table.markSort(view.column, view.direction);
  table.show(shown);
  setText(count, t("tags.count", { shown: shown.length, all: specs.length }));
  byId("tag-none").hidden = shown.length > 0 || !specs.length;
}

function changed() {
  const query = new URLSearchParams();
  if (view.query) query.set("q", view.query);
  if (view.below) query.set("below", view.below);
  if (view.quality) query.set("quality", view.quality);
  if (view.column !== "tag" || view.direction < 0) {
    query.set("sort", view.column);
    query.set("order", view.direction < 0 ? "down" : "up");
  }
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  byId("tag-table").scrollTop = 0;
  show();
}

function choose(path) {
  view.below = path;
  showTree(byId("tag-tree"), specs, path, choose);
  changed();
}

search.value = view.query;
search.addEventListener("input", () => {
  view.query = search.value;
  changed();
});
quality.value = view.quality;
quality.addEventListener("change", () => {
  view.quality = quality.value;
  changed();
});
table.addEventListener("sort", ({ detail }) => {
  view.direction = detail === view.column ? -view.direction : 1;
  view.column = detail;
  changed();
});
table.addEventListener("open", ({ detail }) => openFaceplate(detail.tag, { opener: detail.opener }));
table.addEventListener("copy", ({ detail }) => copyText(detail));
table.addEventListener("select", ({ detail }) => {
  trend.hidden = detail.size === 0;
  setText(trend.querySelector("span"), t("tags.to_trend", { count: detail.size }));
  trend.href = withTags([...detail]);
});
setInterval(() => {
  if (watched.size && !document.hidden) show();
}, RECHECK);

try {
  specs = await allTags();
  showTree(byId("tag-tree"), specs, view.below, choose);
  show();
} catch (error) {
  setText(count, error.message);
}
