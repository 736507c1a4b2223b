/** What a trend shows: pens with history and live samples in one time window. Draws nothing. */

import { history, tags as allTags } from "../api.js";
import { AGAIN } from "../bindings.js";
import { severity } from "../quality.js";
import { SNAPSHOT, rowValue } from "../frame.js";
import { isNumeric } from "../format.js";
import { live } from "../live.js";
import { HOLD, append, fromSeries, noPoints, trim } from "./pen.js";
import { edges, interval } from "./window.js";

const KEPT = 6000;
/** The record may be behind by so long (ns): a second, or the time between two batches of a device that has little to tell. */
const BEHIND = 15e9;

/**
 * @typedef {object} Pen
 * @property {string} tag
 * @property {import("../format.js").TagSpec} spec
 * @property {import("./pen.js").Points} points
 * @property {Array<[number, number | null]>} tail live samples since the last answer of the history
 * @property {boolean} gone true once there is no such tag any more
 */

/** Fires "pens" when the set of pens changes, "data" when points do, "state" when `loading` or `error` do. */
export class TrendModel extends EventTarget {
  /** @param {{buckets?: number}} [options] buckets of history per pen, about one per pixel */
  constructor({ buckets = 800 } = {}) {
    super();
    this.buckets = buckets;
    /** @type {Pen[]} */
    this.pens = [];
    /** @type {import("./window.js").Window} */
    this.window = { live: true, span: 600e3 };
    this.loading = false;
    this.error = "";
    /** Tags asked for that do not exist or cannot be drawn. */
    this.rejected = [];
    this.unsubscribe = () => {};
    this.request = null;
    this.loadedAt = 0;
    live.addEventListener("state", () => live.state === "live" && this.loadedAt && this.#load());
    document.addEventListener("visibilitychange", () => this.#visibility());
  }

  /** @param {string[]} tags */
  async setTags(tags) {
    const specs = new Map((await allTags().catch(() => [])).map((spec) => [spec.tag, spec]));
    const drawable = tags.filter((tag) => specs.has(tag) && isDrawable(specs.get(tag)));
    this.rejected = tags.filter((tag) => !drawable.includes(tag));
    const old = new Map(this.pens.filter((pen) => !pen.gone).map((pen) => [pen.tag, pen]));
    this.pens = drawable.map((tag) => old.get(tag) ?? { tag, spec: specs.get(tag), points: noPoints(), tail: [], gone: false });
    this.dispatchEvent(new Event("pens"));
    this.#subscribe();
    await this.#load();
  }

  /** @param {import("./window.js").Window} window */
  setWindow(window) {
    const resubscribe = window.live && this.window.live && interval(window) !== interval(this.window);
    this.window = window;
    if (resubscribe) this.#subscribe();
    this.dispatchEvent(new Event("data"));
    return this.#load();
  }

  /** The window's edges now, s. @returns {[number, number]} */
  range() {
    const [from, to] = edges(this.window, live.serverNow());
    return [from / 1e3, to / 1e3];
  }

  /** Asks the history again when the live tail has become long compared with the window. */
  refresh() {
    if (!this.window.live || this.loading || document.hidden) return;
    const patience = Math.max(30e3, this.window.span / 60);
    if (live.serverNow() - this.loadedAt > patience) this.#load();
  }

  close() {
    this.unsubscribe();
    this.unsubscribe = () => {};
    this.request?.abort();
    this.pens = [];
    this.loadedAt = 0;
  }

  #subscribe() {
    this.unsubscribe();
    this.unsubscribe = () => {};
    const pens = this.pens.filter((pen) => !pen.gone);
    if (!pens.length || document.hidden) return;
    let order = [];
    this.unsubscribe = live.subscribe(pens.map((pen) => pen.tag), {
      interval: interval(this.window),
      onTags: (specs) => {
        const byTag = new Map(this.pens.map((pen) => [pen.tag, pen]));
        order = specs.map((spec) => byTag.get(spec.tag));
      },
      onFrame: (frame) => this.#take(frame, order),
      onError: () => this.#withoutUnknown(),
    });
  }

  /**
   * The server refuses a subscription, mostly because it names a tag which is gone: its pen ends here, the others go on.
   * Where none is gone, or it cannot be asked, all pens have a gap until it answers later.
   */
  async #withoutUnknown() {
    this.unsubscribe();
    const unsubscribed = () => {};
    this.unsubscribe = unsubscribed;
    const specs = await allTags({ fresh: true }).catch(() => null);
    if (this.unsubscribe !== unsubscribed) return;
    const known = new Set(specs?.map((spec) => spec.tag));
    const pens = this.pens.filter((pen) => !pen.gone);
    const ended = specs ? pens.filter((pen) => !known.has(pen.tag)) : [];
    for (const pen of ended.length ? ended : pens) this.#gap(pen);
    this.dispatchEvent(new Event("data"));
    if (!ended.length) {
      setTimeout(() => this.unsubscribe === unsubscribed && this.#subscribe(), AGAIN);
      return;
    }
    for (const pen of ended) pen.gone = true;
    this.#subscribe();
    await this.#load();
  }

  #gap(pen) {
    const now = live.serverNow() / 1e3;
    pen.tail.push([now, null]);
    append(pen.points, now, null, { hold: hold(this.window) });
  }

  #take(frame, order) {
    const exact = new Map();
    frame.exactRows.forEach((row, i) => exact.set(row, frame.exactValues[i]));
    for (let row = 0; row < frame.index.length; row++) {
      const pen = order[frame.index[row]];
      if (!pen) continue;
      const value = rowValue(pen.spec.type, frame.values[row], exact.get(row));
      const bad = severity(frame.quality[row]) === "bad" || value === null;
      // A bad row repeats the last good time: the gap begins when the hub said so. So does what a snapshot repeats.
      const t = (bad || frame.kind === SNAPSHOT ? frame.tHub : frame.tSource(row)) / 1e3;
      pen.tail.push([t, bad ? null : Number(value)]);
      if (pen.tail.length > KEPT) pen.tail.splice(0, KEPT / 4);
      if (this.window.live) append(pen.points, t, bad ? null : Number(value), { hold: hold(this.window) });
    }
    this.dispatchEvent(new Event("data"));
  }

  async #load() {
    this.request?.abort();
    if (!this.pens.length) {
      this.#state(false, "");
      return;
    }
    this.request = new AbortController();
    const { signal } = this.request;
    const [from, to] = edges(this.window, live.serverNow());
    this.#state(true, "");
    try {
      await this.#fill(from, to, signal);
      this.loadedAt = to;
      this.#state(false, "");
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) this.#state(false, error.message);
    }
    this.dispatchEvent(new Event("data"));
  }

  async #fill(from, to, signal) {
    const margin = (to - from) * 0.02;
    const asked = this.pens.filter((pen) => !pen.gone);
    const groups = [asked.filter((pen) => isNumeric(pen.spec)), asked.filter((pen) => !isNumeric(pen.spec))];
    const answers = await Promise.all(groups.map((pens, i) => {
      const points = i === 0 ? this.buckets : null;
      return pens.length ? history(pens.map((pen) => pen.tag), from - margin, to, points, signal) : [];
    }));
    const bucket = (to - from) / 1e3 / this.buckets;
    answers.flat().forEach((series) => {
      const pen = this.pens.find(({ tag }) => tag === series.tag);
      if (pen) this.#join(pen, fromSeries(series, series.count ? bucket : 0, hold(this.window), this.#written(series, to)), from / 1e3, to / 1e3);
    });
  }

  /** Where the record ends and the live samples go on, ns; a record that is further behind has a gap there. */
  #written({ covered_until_ns: until }, to) {
    return this.window.live && to * 1e6 - until < BEHIND ? until : Infinity;
  }

  #join(pen, points, from, to) {
    pen.tail = pen.tail.filter(([t]) => t > from);
    const known = points.t.at(-1) ?? from;
    for (const [t, value] of pen.tail) if (t > known) append(points, t, value, { hold: hold(this.window) });
    pen.points = points;
    if (this.window.live) pen.tail = pen.tail.filter(([t]) => t > to - 5);
    trim(pen.points, from - (to - from));
  }

  #state(loading, error) {
    this.loading = loading;
    this.error = error;
    this.dispatchEvent(new Event("state"));
  }

  #visibility() {
    if (!this.pens.length) return;
    this.#subscribe();
    if (!document.hidden) this.#load();
  }
}

/** Seconds without a change after which a value is drawn flat up to its next one: less where each sample is seen. */
function hold(window) {
  return window.span <= 60e3 ? 1.2 : HOLD;
}

/** True for tags whose value is a number, an enum code or a boolean; not for strings, arrays and what is only written. */
export function isDrawable(spec) {
  return spec.type !== "string" && !spec.shape?.length && spec.access !== "write";
}
