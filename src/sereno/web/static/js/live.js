/** One WebSocket per page: subscriptions, heartbeat watch, reconnection. */

import { backoff } from "./backoff.js";
import { HEARTBEAT, decodeFrame } from "./frame.js";

/** Silence longer than this (ms) means that nothing on the page may be trusted. */
export const SILENCE = 3000;
const WATCH = 250;
const SIGNED_OUT = 4401;

/** @typedef {import("./frame.js").Frame} Frame */
/** @typedef {import("./format.js").TagSpec} TagSpec */

/**
 * A wish for tags. It outlives connections: after a reconnection the server is asked again and `onTags` comes again.
 * @typedef {object} Subscription
 * @property {number} id
 * @property {string[]} globs
 * @property {number} interval seconds
 * @property {(tags: TagSpec[]) => void} onTags
 * @property {(frame: Frame) => void} onFrame
 * @property {(detail: string) => void} onError
 */

/** Fires "state" when `state` changes ("connecting", "live", "down"), "heartbeat" at each sign of life,
 * "signedout" when the session is over and "turnedaway" when connecting fails again and again. */
export class LiveSocket extends EventTarget {
  /**
   * @param {string} url
   * @param {{open?: (url: string) => WebSocket, now?: () => number, random?: () => number, offset?: number}} [parts] offset: of the server's clock, ms, as long as no frame has told it
   */
  constructor(url, { open = (u) => new WebSocket(u), now = () => performance.now(), random = Math.random, offset = 0 } = {}) {
    super();
    this.url = url;
    this.open = open;
    this.now = now;
    this.random = random;
    /** @type {"connecting" | "live" | "down"} */
    this.state = "connecting";
    /** Time since when `state` holds, ms UTC by this computer's clock. */
    this.since = Date.now();
    /** @type {Map<number, Subscription>} */
    this.subscriptions = new Map();
    this.nextId = 1;
    this.attempt = 0;
    this.lastFrame = this.now();
    this.patience = 0;
    this.offset = offset;
    this.offsetKnown = false;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.alarmsWanted = false;
  }

  /** Connect, and stay connected until the page goes. */
  start() {
    this.#connect();
    setInterval(() => this.#watch(), WATCH);
  }

  /** Now by the server's clock, ms UTC. */
  serverNow() {
    return Date.now() + this.offset;
  }

  /**
   * @param {string[]} globs
   * @param {{interval?: number, onTags?: Function, onFrame?: Function, onError?: Function}} options
   * @returns {() => void} unsubscribes
   */
  subscribe(globs, { interval = 0.25, onTags = () => {}, onFrame = () => {}, onError = () => {} }) {
    const subscription = { id: this.nextId++, globs, interval, onTags, onFrame, onError };
    this.subscriptions.set(subscription.id, subscription);
    this.#ask(subscription);
    return () => {
      if (this.subscriptions.delete(subscription.id)) this.#send({ type: "unsubscribe", sub: subscription.id });
    };
  }

  /** Be told of alarms from now on: "alarms" fires with {whole, alarms}, first with all that are not normal. */
  wantAlarms() {
    if (this.alarmsWanted) return;
    this.alarmsWanted = true;
    this.#send({ type: "alarms" });
  }

  #connect() {
    const socket = this.open(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.patience = this.now() + 2 * SILENCE;
    socket.addEventListener("open", () => {
      if (this.alarmsWanted) this.#send({ type: "alarms" });
      for (const subscription of this.subscriptions.values()) this.#ask(subscription);
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.#receive(event.data);
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.#lost(event.code);
    });
  }

  #lost(code) {
    this.socket = null;
    if (code === SIGNED_OUT) {
      this.dispatchEvent(new Event("signedout"));
      return;
    }
    if (this.attempt === 2) this.dispatchEvent(new Event("turnedaway"));
    setTimeout(() => this.#connect(), backoff(this.attempt++, this.random));
  }

  #watch() {
    if (this.now() - this.lastFrame <= SILENCE) return;
    this.#become("down");
    const silent = this.socket;
    if (!silent || this.now() < this.patience) return;
    this.#lost(0);
    silent.close();
  }

  #receive(data) {
    if (typeof data === "string") {
      this.#control(JSON.parse(data));
      return;
    }
    const frame = decodeFrame(data);
    this.lastFrame = this.now();
    this.attempt = 0;
    if (frame.tHub > 0) this.#setOffset(frame.tHub - Date.now());
    if (frame.kind === HEARTBEAT) this.dispatchEvent(new Event("heartbeat"));
    else this.subscriptions.get(frame.sub)?.onFrame(frame);
    this.#become("live");
  }

  /** The frame that travelled fastest is nearest to the server's clock; drift and jumps are followed. */
  #setOffset(offset) {
    if (!this.offsetKnown || this.offset - offset > 5000) this.offset = offset;
    else this.offset = Math.max(offset, this.offset - 0.5);
    this.offsetKnown = true;
  }

  #control(message) {
    if (message.type === "alarms") this.dispatchEvent(new CustomEvent("alarms", { detail: message }));
    if (message.type === "waiting") this.dispatchEvent(new CustomEvent("waiting", { detail: message.commands }));
    const subscription = this.subscriptions.get(message.sub);
    if (!subscription) return;
    if (message.type === "subscribed") subscription.onTags(message.tags);
    if (message.type === "error") subscription.onError(message.detail ?? "");
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.dispatchEvent(new Event("state"));
  }

  #ask({ id, globs, interval }) {
    this.#send({ type: "subscribe", sub: id, tags: globs, interval });
  }

  #send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

/** When the server made this page, ms UTC by its clock. */
const made = Number(document.documentElement.dataset.now) || Date.now();

/** The page's socket. The page's frame (shell.js) starts it. */
export const live = new LiveSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`, {
  offset: made - Date.now(),
});
