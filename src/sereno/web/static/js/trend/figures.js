/** Figures of the window: mean, deviation, limits and histogram of each numeric pen, and how the pens correlate. */

import { request } from "../api.js";
import { el, setText, svgEl } from "../dom.js";
import { formatUnit, isNumeric } from "../format.js";
import { lang, t } from "../i18n.js";
import { controlCharts } from "./spc.js";

const COLUMNS = ["count", "mean", "time_mean", "std", "min", "max", "good", "lower", "upper", "beyond"];
const BINS = 24;
const MOST = 20;

/** Shows the figures in a `details` whenever it is opened, and again on demand. */
export class Figures {
  /**
   * @param {HTMLDetailsElement} place
   * @param {import("./model.js").TrendModel} model
   */
  constructor(place, model) {
    this.model = model;
    this.note = el("p", { className: "note", role: "status" });
    this.body = el("div", { className: "table-scroll table-plain" });
    const again = el("button", { type: "button", className: "button", id: "trend-figures-again", on: { click: () => this.load() } }, t("trend.figures_again"));
    place.append(again, this.note, this.body);
    place.addEventListener("toggle", () => place.open && this.load());
  }

  async load() {
    const [from, to] = this.model.range().map((seconds) => new Date(seconds * 1e3).toISOString());
    const tags = this.model.pens.filter((pen) => isNumeric(pen.spec)).map((pen) => pen.tag).slice(0, MOST);
    if (!tags.length) {
      this.#say(t("trend.empty"));
      return;
    }
    const query = new URLSearchParams([...tags.map((tag) => ["tag", tag]), ["from", from], ["to", to], ["bins", String(BINS)]]);
    this.#say(t("trend.figures_wait"));
    try {
      const found = await request(`history/statistics?${query}`);
      this.#say("");
      this.body.replaceChildren(this.#table(found.tags), ...(tags.length > 1 ? [this.#correlation(found)] : []), ...controlCharts(found.tags, figure));
    } catch (error) {
      this.#say(t("trend.history_error", { reason: error.message }));
    }
  }

  #say(text) {
    setText(this.note, text);
    this.note.hidden = !text;
    if (text) this.body.replaceChildren();
  }

  #table(tags) {
    const heads = COLUMNS.map((name) => el("th", { scope: "col" }, t(`trend.figure_${name}`)));
    const rows = tags.map((one) => el("tr", { "data-tag": one.tag },
      el("th", { scope: "row" }, `${one.tag} ${one.unit ? `[${formatUnit(one.unit)}]` : ""}`.trim()),
      ...COLUMNS.map((name) => el("td", { className: "number", "data-figure": name }, figure(name, one[name]))),
      el("td", {}, histogram(one))));
    return el("table", { className: "table figures" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("trend.column_pen")), ...heads, el("th", { scope: "col" }, t("trend.figure_histogram")))),
      el("tbody", {}, ...rows));
  }

  #correlation({ tags, correlation }) {
    const heads = tags.map((one) => el("th", { scope: "col" }, one.tag));
    const rows = tags.map((one, n) => el("tr", {}, el("th", { scope: "row" }, one.tag),
      ...correlation[n].map((r) => el("td", { className: "number" }, figure("r", r)))));
    return el("table", { className: "table correlation" }, el("caption", {}, t("trend.correlation")),
      el("thead", {}, el("tr", {}, el("td", {}), ...heads)), el("tbody", {}, ...rows));
  }
}

function figure(name, value) {
  if (value === null) return "—";
  if (name === "good") return new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 }).format(value);
  return new Intl.NumberFormat(lang, { maximumSignificantDigits: 5 }).format(value);
}

/** Seconds by bin as bars; the words of each say from where to where. */
function histogram({ edges, seconds }) {
  const most = Math.max(...seconds, 0);
  const bars = seconds.map((one, n) => {
    const height = most ? (30 * one) / most : 0;
    return svgEl("rect", { x: n * 5, y: 32 - height, width: 4, height, fill: "currentColor" });
  });
  const range = edges.length ? `${figure("", edges[0])} – ${figure("", edges.at(-1))}` : "—";
  return svgEl("svg", { viewBox: `0 0 ${Math.max(1, seconds.length) * 5} 32`, width: 120, height: 32, role: "img", "aria-label": `${t("trend.figure_histogram")}: ${range}` }, ...bars);
}
