/** The legend of a trend: each pen with its value (now or under the cursor), extremes in the window, unit. */

import { el, icon, setText, svgEl } from "../dom.js";
import { formatUnit, formatValue, isNumeric } from "../format.js";
import { lang, t } from "../i18n.js";
import { openFaceplate } from "../components/faceplate.js";
import { siteTime } from "../present.js";
import { penStyle } from "./chart.js";
import { extremes, valueAt } from "./pen.js";

const EVERY = 250;

/** Fires "remove" (detail: tag) and "activate" (detail: index). */
export class Legend extends EventTarget {
  /**
   * @param {HTMLElement} place
   * @param {import("./model.js").TrendModel} model
   */
  constructor(place, model) {
    super();
    this.place = place;
    this.model = model;
    this.cursor = null;
    this.active = 0;
    this.rows = [];
    this.time = el("span", { className: "page-sub" });
    model.addEventListener("pens", () => this.#build());
    document.addEventListener("themechange", () => this.#build());
    setInterval(() => this.#paint(), EVERY);
  }

  /** @param {number | null} t s UTC; null = now */
  setCursor(t) {
    this.cursor = t;
    this.#paint();
  }

  #build() {
    const head = ["pen", "value", "low", "high", "description"].map((name) => el("th", { scope: "col", className: `legend-${name}` }, t(`trend.column_${name}`)));
    this.rows = this.model.pens.map((pen, n) => this.#row(pen, n));
    this.place.replaceChildren(el("table", { className: "table legend" },
      el("caption", { className: "legend-time" }, this.time),
      el("thead", {}, el("tr", {}, ...head, el("th", {}, el("span", { className: "unseen" }, t("trend.remove"))))),
      el("tbody", {}, ...this.rows.map(({ row }) => row))));
    this.place.hidden = !this.rows.length;
    this.#activate(Math.min(this.active, Math.max(0, this.rows.length - 1)));
    this.#paint();
  }

  #row(pen, n) {
    const { color, dash } = penStyle(n);
    const line = svgEl("line", { x1: 0, y1: 6, x2: 28, y2: 6, stroke: color, "stroke-width": 3, "stroke-dasharray": dash.join(" ") || "none" });
    const [value, low, high] = ["legend-value", "legend-low", "legend-high"].map((name) => el("td", { className: `number ${name}` }));
    const name = el("button", { type: "button", className: "link-button", on: { click: (event) => openFaceplate(pen.tag, { opener: event.currentTarget }) } }, pen.tag);
    const remove = el("button", { type: "button", className: "button button-quiet button-icon", "aria-label": t("trend.remove_one", { tag: pen.tag }), on: {
      click: () => this.dispatchEvent(new CustomEvent("remove", { detail: pen.tag })),
    } }, icon("close"));
    const row = el("tr", { on: { pointerenter: () => this.#activate(n), focusin: () => this.#activate(n) } },
      el("td", { className: "legend-pen" }, svgEl("svg", { class: "legend-line", viewBox: "0 0 28 12", "aria-hidden": "true" }, line), name),
      value, low, high, el("td", { className: "legend-description" }, pen.spec.description ?? ""), el("td", { className: "legend-remove" }, remove));
    return { row, value, low, high };
  }

  #activate(index) {
    this.active = index;
    this.rows.forEach(({ row }, n) => row.classList.toggle("is-active", n === index));
    this.dispatchEvent(new CustomEvent("activate", { detail: index }));
  }

  #paint() {
    if (document.hidden) return;
    const [from, to] = this.model.range();
    const at = this.cursor ?? to;
    setText(this.time, this.cursor === null && this.model.window.live ? t("trend.now") : siteTime(at * 1e3));
    this.model.pens.forEach((pen, n) => {
      const parts = this.rows[n];
      if (!parts) return;
      const text = (value) => (value === null || value === undefined ? "—" : `${formatValue(pen.spec, value, lang, t)} ${formatUnit(pen.spec.unit)}`.trim());
      const now = valueAt(pen.points, at);
      setText(parts.value, now === null ? t("quality.bad") : text(plain(pen.spec, now)));
      const found = isNumeric(pen.spec) ? extremes(pen.points, from, to) : null;
      setText(parts.low, text(found?.[0]));
      setText(parts.high, text(found?.[1]));
    });
  }
}

/** A drawn number as the tag's own kind of value. */
function plain(spec, value) {
  return spec.type === "bool" && value !== undefined ? value !== 0 : value;
}
