/** Draws a TrendModel with uPlot: lines, min/max bands, gaps, limit lines; zooms and pans. */

import { formatUnit, isNumeric } from "../format.js";
import { lang } from "../i18n.js";
import { live } from "../live.js";
import { siteZone } from "../present.js";
import { groupByScale, scaleOf, scaleRange, shownScales, timeLabels, valueLabels } from "./axes.js";
import { drawGaps, drawLimits } from "./marks.js";
import { align, extremes } from "./pen.js";
import { loadUPlot } from "./uplot.js";

const PENS = 8;
/** Dashes tell pens apart where colours cannot: every second pen, and all of them at night. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 5], [5, 5], [1, 4], [12, 3, 2, 3, 2, 3]];

/** A colour of the present theme. */
function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Colour and dash of the n-th pen in the present theme. */
export function penStyle(n) {
  const night = document.documentElement.dataset.theme === "night";
  return { color: token(`--pen-${(n % PENS) + 1}`), dash: night || n >= PENS ? DASHES[n % PENS] : [] };
}

/** Fires "zoom" (detail: [from, to] ms) when a person picks a window, "cursor" (detail: s or null) under the pointer. */
export class TrendChart extends EventTarget {
  /**
   * @param {HTMLElement} place
   * @param {import("./model.js").TrendModel} model
   * @param {{compact?: boolean}} [options]
   */
  constructor(place, model, { compact = false } = {}) {
    super();
    this.place = place;
    this.model = model;
    this.compact = compact;
    /** Index of the pen whose limits and gaps are drawn. */
    this.active = 0;
    this.plot = null;
    this.range = model.range();
    this.wanted = false;
    this.drawn = 0;
    this.onTheme = () => this.#build();
    model.addEventListener("pens", () => this.#build());
    model.addEventListener("data", () => this.draw());
    document.addEventListener("themechange", this.onTheme);
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(place);
    this.timer = setInterval(() => this.#tick(), 100);
    if (model.pens.length) this.#build();
  }

  close() {
    clearInterval(this.timer);
    this.observer.disconnect();
    document.removeEventListener("themechange", this.onTheme);
    this.plot?.destroy();
    this.plot = null;
  }

  /** Draw in the next animation frame. */
  draw() {
    if (this.wanted || !this.plot) return;
    this.wanted = true;
    requestAnimationFrame(() => this.#draw());
  }

  /** @param {number} index */
  setActive(index) {
    this.active = index;
    this.plot?.redraw(false);
  }

  #tick() {
    if (!this.model.window.live || document.hidden || live.state !== "live") return;
    this.model.refresh();
    const pixel = this.model.window.span / Math.max(200, this.place.clientWidth);
    if (performance.now() - this.drawn >= Math.max(100, Math.min(1000, pixel))) this.draw();
  }

  #draw() {
    this.wanted = false;
    if (!this.plot) return;
    this.drawn = performance.now();
    this.range = this.model.range();
    const now = live.serverNow() / 1e3;
    const until = this.model.window.live ? now : Math.min(this.range[1], now);
    this.plot.setData(align(this.model.pens.map((pen) => pen.points), until), false);
    this.plot.batch(() => {
      this.plot.setScale("x", { min: this.range[0], max: this.range[1] });
      for (const [key, pens] of groupByScale(this.model.pens)) {
        const [min, max] = scaleRange(pens[0].spec, this.#extremes(key));
        this.plot.setScale(key, { min, max });
      }
    });
  }

  async #build() {
    const uPlot = await loadUPlot();
    this.plot?.destroy();
    this.plot = null;
    this.place.replaceChildren();
    if (!this.model.pens.length || !this.place.isConnected) return;
    this.active = Math.min(this.active, this.model.pens.length - 1);
    this.plot = new uPlot(this.#options(uPlot), align(this.model.pens.map((pen) => pen.points), null), this.place);
    this.#listen(this.plot.over);
    this.draw();
  }

  #resize() {
    this.plot?.setSize({ width: this.place.clientWidth, height: this.place.clientHeight });
  }

  #options(uPlot) {
    const { series, bands } = this.#series(uPlot);
    return {
      width: Math.max(80, this.place.clientWidth),
      height: Math.max(60, this.place.clientHeight),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), siteZone),
      legend: { show: false },
      padding: [this.compact ? 8 : 14, null, this.compact ? 2 : null, this.compact ? 4 : null],
      cursor: {
        x: !this.compact, y: false, points: { size: 7 },
        drag: { x: !this.compact, y: false, setScale: false },
        bind: { mousedown: (_u, _target, handler) => (event) => (event.shiftKey ? null : handler(event)), dblclick: () => null },
      },
      scales: this.#scales(),
      axes: this.#axes(),
      series,
      bands,
      hooks: {
        drawClear: [(u) => drawGaps(u, this.model.pens, this.active, token)],
        draw: [(u) => drawLimits(u, this.model.pens[this.active]?.spec, token, this.compact)],
        setSelect: [(u) => this.#selected(u)],
        setCursor: [(u) => this.#cursor(u)],
      },
    };
  }

  #series(uPlot) {
    const series = [{}];
    const bands = [];
    this.model.pens.forEach((pen, n) => {
      const { color, dash } = penStyle(n);
      const scale = scaleOf(pen.spec);
      const paths = isNumeric(pen.spec) ? undefined : uPlot.paths.stepped({ align: 1 });
      const edge = { scale, paths, stroke: "transparent", width: 0, points: { show: false } };
      series.push({ scale, paths, dash, stroke: color, width: 1.6, points: { show: false } }, { ...edge }, { ...edge });
      bands.push({ series: [3 * n + 2, 3 * n + 3], fill: `${color}33` });
    });
    return { series, bands };
  }

  #scales() {
    const scales = { x: { time: true, auto: false, range: () => this.range } };
    for (const [key, pens] of groupByScale(this.model.pens)) {
      scales[key] = { auto: false, range: () => scaleRange(pens[0].spec, this.#extremes(key)) };
    }
    return scales;
  }

  #extremes(key) {
    let found = null;
    for (const pen of this.model.pens) {
      const own = scaleOf(pen.spec) === key ? extremes(pen.points, ...this.range) : null;
      if (own) found = found ? [Math.min(found[0], own[0]), Math.max(found[1], own[1])] : own;
    }
    return found;
  }

  #axes() {
    const look = {
      stroke: token("--ink-2"), font: `12px ${token("--font")}`, labelFont: `12px ${token("--font")}`,
      grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line"), width: 1, size: 4 },
    };
    const axes = [{
      ...look, space: this.compact ? 90 : 80, size: this.compact ? 28 : 40,
      values: (_u, splits, _i, _space, step) => timeLabels(splits, step, siteZone, lang, !this.compact),
    }];
    const groups = groupByScale(this.model.pens);
    shownScales(groups, this.compact).forEach((key, i) => {
      const spec = groups.get(key)[0].spec;
      const unit = isNumeric(spec) ? formatUnit(spec.unit) : spec.tag.split("/").at(-1);
      axes.push({
        ...look, scale: key, side: i % 2 ? 1 : 3, gap: 4, space: this.compact ? 28 : 36, label: unit, labelSize: 18, labelGap: 0,
        size: (_u, labels) => 14 + 7 * Math.max(2, ...(labels ?? []).map((label) => label?.length ?? 0)),
        grid: { ...look.grid, show: i === 0 }, incrs: isNumeric(spec) ? undefined : [1, 2, 5],
        values: (_u, splits) => valueLabels(spec, splits, lang),
      });
    });
    return axes;
  }

  #selected(u) {
    if (u.select.width < 4) return;
    const [from, to] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#zoom(from * 1e3, to * 1e3);
  }

  #cursor(u) {
    const t = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
    this.dispatchEvent(new CustomEvent("cursor", { detail: t }));
  }

  #zoom(from, to) {
    this.dispatchEvent(new CustomEvent("zoom", { detail: [from, to] }));
  }

  /** Wheel: zoom at the pointer. Shift and drag, or the middle button: pan. */
  #listen(over) {
    if (this.compact) return;
    over.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [from, to] = this.range;
      const factor = event.deltaY > 0 ? 1.25 : 0.8;
      const at = from + (to - from) * (event.offsetX / over.clientWidth);
      this.#zoom((at - (at - from) * factor) * 1e3, (at + (to - at) * factor) * 1e3);
    }, { passive: false });
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 1 && !(event.button === 0 && event.shiftKey)) return;
      event.preventDefault();
      this.#pan(over, event);
    });
  }

  #pan(over, start) {
    const [from, to] = this.range;
    over.setPointerCapture(start.pointerId);
    const move = (event) => {
      const shift = ((start.clientX - event.clientX) / over.clientWidth) * (to - from);
      this.#zoom((from + shift) * 1e3, (to + shift) * 1e3);
    };
    over.addEventListener("pointermove", move);
    over.addEventListener("pointerup", () => over.removeEventListener("pointermove", move), { once: true });
  }
}
