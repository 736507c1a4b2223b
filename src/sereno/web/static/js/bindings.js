/** Which elements show which tag. Values arrive by columns, are kept per tag, and are painted once per animation frame. */

import { tags as allTags } from "./api.js";
import { SNAPSHOT, rowValue } from "./frame.js";
import { WAITING } from "./quality.js";
import { live } from "./live.js";

/** People do not read faster: no element is painted more often (ms). */
const PAINT_INTERVAL = 250;
const COLLECT = 10;
/** The server takes so many tags in a subscription, and a few dozen subscriptions of a socket. */
const MOST_TAGS = 400;
const MOST_GROUPS = 12;
/** When a subscription that was refused is asked for again (ms). */
export const AGAIN = 3000;
/** When it is looked whether tags that were unknown are known by now (ms). */
export const LOOK_AGAIN = 10_000;

/**
 * What is known about a tag. `spec` is null until the server has answered; `unknown` means that it knows no such tag.
 * @typedef {object} TagState
 * @property {string} tag
 * @property {import("./format.js").TagSpec | null} spec
 * @property {any} value number, bigint, boolean, enum code, string, array or null
 * @property {number} quality
 * @property {string} reason in words, from the server
 * @property {number} t ms UTC of the source, 0 if none
 * @property {boolean} known true once a frame has brought it
 * @property {boolean} unknown
 */

/** @typedef {(state: TagState) => void} Paint */

/** @param {string} tag */
function newState(tag) {
  return { tag, spec: null, value: null, quality: WAITING, reason: "", t: 0, known: false, unknown: false };
}

/**
 * Takes a frame's rows into states.
 * @param {import("./frame.js").Frame} frame
 * @param {TagState[]} states by position
 * @param {(state: TagState) => void} changed
 */
export function applyFrame(frame, states, changed) {
  const exact = new Map();
  frame.exactRows.forEach((row, i) => exact.set(row, frame.exactValues[i]));
  for (let row = 0; row < frame.index.length; row++) {
    const state = states[frame.index[row]];
    if (!state) continue;
    const value = rowValue(state.spec.type, frame.values[row], exact.get(row));
    take(state, value, frame.quality[row], frame.tSource(row), frame.reasons[frame.index[row]]);
    changed(state);
  }
  for (const [position, value, t, quality] of frame.objects) {
    const state = states[position];
    if (!state) continue;
    take(state, value, quality, t, frame.reasons[position]);
    changed(state);
  }
}

function take(state, value, quality, t, reason) {
  state.value = value;
  state.quality = quality;
  state.t = t;
  state.reason = reason ?? "";
  state.known = true;
}

export class Bindings {
  /**
   * @param {import("./live.js").LiveSocket} socket
   * @param {{interval?: number}} [options] interval between paints, ms
   */
  constructor(socket, { interval = PAINT_INTERVAL } = {}) {
    this.socket = socket;
    this.interval = interval;
    /** @type {Map<string, TagState>} */
    this.states = new Map();
    /** @type {Map<string, Set<Paint>>} */
    this.paints = new Map();
    /** @type {Map<string, {tags: Set<string>, stop: () => void}>} */
    this.subscriptionOf = new Map();
    this.wanted = new Set();
    this.dirty = new Set();
    this.painted = -Infinity;
    this.scheduled = false;
    this.collecting = 0;
    this.looking = 0;
    document.addEventListener("visibilitychange", () => this.#visibility());
  }

  /**
   * Calls `paint` with the tag's state at each change, at most every `interval`; at once if a value is known.
   * @param {string} tag
   * @param {Paint} paint
   * @returns {() => void} unbinds
   */
  bind(tag, paint) {
    const paints = this.paints.get(tag) ?? new Set();
    this.paints.set(tag, paints.add(paint));
    const state = this.states.get(tag);
    if (state) paint(state);
    if (!this.subscriptionOf.has(tag)) this.#want(tag);
    return () => this.#unbind(tag, paint);
  }

  /** The last state of a bound tag. */
  state(tag) {
    return this.states.get(tag);
  }

  #want(tag) {
    this.wanted.add(tag);
    if (!this.collecting && !document.hidden) this.collecting = setTimeout(() => this.#collect(), COLLECT);
  }

  #collect() {
    this.collecting = 0;
    let tags = [...this.wanted].filter((tag) => this.paints.has(tag));
    this.wanted.clear();
    const groups = new Set(this.subscriptionOf.values());
    if (tags.length && groups.size >= MOST_GROUPS + this.paints.size / MOST_TAGS) {
      for (const group of groups) group.stop();
      this.subscriptionOf.clear();
      tags = [...this.paints.keys()];
    }
    for (let i = 0; i < tags.length; i += MOST_TAGS) this.#subscribe(tags.slice(i, i + MOST_TAGS));
  }

  #subscribe(tags) {
    const group = { tags: new Set(tags), stop: () => {} };
    let states = [];
    for (const tag of tags) this.subscriptionOf.set(tag, group);
    group.stop = this.socket.subscribe(tags, {
      interval: this.interval / 1000,
      onTags: (specs) => {
        states = specs.map((spec) => this.#declare(spec));
      },
      onFrame: (frame) => {
        applyFrame(frame, states, (state) => this.#changed(state.tag));
        if (frame.kind === SNAPSHOT) this.#missing(tags, states);
      },
      onError: () => this.#withoutUnknown(group),
    });
  }

  #declare(spec) {
    const state = this.states.get(spec.tag) ?? newState(spec.tag);
    this.states.set(spec.tag, state);
    state.spec = spec;
    state.unknown = false;
    return state;
  }

  #missing(tags, states) {
    const found = new Set(states.map((state) => state.tag));
    for (const tag of tags) if (!found.has(tag)) this.#unknown(tag);
  }

  #unknown(tag) {
    const state = newState(tag);
    state.unknown = true;
    this.states.set(tag, state);
    this.#changed(tag);
    this.looking ||= setTimeout(() => this.#lookAgain(), LOOK_AGAIN);
  }

  /** A tag may be declared while its page is open: by a new plant file, or by a device that is only now understood. */
  async #lookAgain() {
    this.looking = 0;
    const unknown = () => [...this.paints.keys()].filter((tag) => this.states.get(tag)?.unknown);
    if (!unknown().length || document.hidden) return;
    const specs = await allTags({ fresh: true }).catch(() => []);
    const known = new Set(specs.map((spec) => spec.tag));
    const [found, rest] = [unknown().filter((tag) => known.has(tag)), unknown().some((tag) => !known.has(tag))];
    if (found.length) this.#subscribe(found);
    if (rest) this.looking ||= setTimeout(() => this.#lookAgain(), LOOK_AGAIN);
  }

  /**
   * The server refuses a subscription, mostly because it names an unknown tag: ask again for those it knows. Where it
   * knows them all, or cannot be asked, nothing is known of any until it answers later.
   */
  async #withoutUnknown(group) {
    group.stop();
    const specs = await allTags({ fresh: true }).catch(() => null);
    const known = new Set(specs?.map((spec) => spec.tag));
    const tags = this.#still(group, [...group.tags]);
    const rest = specs ? tags.filter((tag) => known.has(tag)) : tags;
    for (const tag of tags) if (!rest.includes(tag)) this.#unknown(tag);
    if (rest.length < tags.length) {
      if (rest.length) this.#subscribe(rest);
      return;
    }
    for (const tag of rest) this.#forget(tag);
    setTimeout(() => {
      const wanted = this.#still(group, rest);
      if (wanted.length) this.#subscribe(wanted);
    }, AGAIN);
  }

  /** Those that no other subscription has taken over. */
  #still(group, tags) {
    return tags.filter((tag) => this.subscriptionOf.get(tag) === group);
  }

  #forget(tag) {
    this.states.set(tag, newState(tag));
    this.#changed(tag);
  }

  #unbind(tag, paint) {
    const paints = this.paints.get(tag);
    if (!paints?.delete(paint) || paints.size) return;
    this.paints.delete(tag);
    this.wanted.delete(tag);
    const group = this.subscriptionOf.get(tag);
    this.subscriptionOf.delete(tag);
    this.states.delete(tag);
    if (!group) return;
    group.tags.delete(tag);
    if (!group.tags.size) group.stop();
  }

  #changed(tag) {
    this.dirty.add(tag);
    if (this.scheduled) return;
    this.scheduled = true;
    const wait = this.painted + this.interval - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(() => this.#paint()), wait);
    else requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.scheduled = false;
    this.painted = performance.now();
    const tags = [...this.dirty];
    this.dirty.clear();
    for (const tag of tags) {
      const state = this.states.get(tag);
      if (state) for (const paint of this.paints.get(tag) ?? []) paint(state);
    }
  }

  /** A hidden page asks for nothing; shown again, it gets a snapshot. */
  #visibility() {
    if (!document.hidden) {
      for (const tag of this.paints.keys()) if (!this.subscriptionOf.has(tag)) this.#want(tag);
      return;
    }
    for (const group of new Set(this.subscriptionOf.values())) group.stop();
    this.subscriptionOf.clear();
  }
}

/** The page's bindings. */
export const bindings = new Bindings(live);
