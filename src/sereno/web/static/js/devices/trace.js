/** Raw frames of a link as they pass, decoded in words. Started and stopped by hand; the last ones are kept. */

import { urlPath } from "../api.js";
import { el, setText } from "../dom.js";
import { formatTime } from "../format.js";
import { t } from "../i18n.js";
import { siteZone } from "../present.js";

const KEPT = 500;
const ARROWS = { tx: "→", rx: "←", note: "·" };

export class TraceView {
  /**
   * @param {HTMLElement} place holds [data-trace=start], [data-trace=clear], [data-trace=note] and tbody
   * @param {string} device
   */
  constructor(place, device) {
    this.device = device;
    this.source = null;
    this.waiting = [];
    this.scheduled = false;
    this.scroll = place.querySelector(".table-scroll");
    this.body = place.querySelector("tbody");
    this.note = place.querySelector("[data-trace=note]");
    this.button = place.querySelector("[data-trace=start]");
    this.button.addEventListener("click", () => (this.source ? this.stop() : this.start()));
    place.querySelector("[data-trace=clear]").addEventListener("click", () => this.body.replaceChildren());
    addEventListener("pagehide", () => this.stop());
  }

  start() {
    this.source = new EventSource(`/api/v1/devices/${urlPath(this.device)}/trace`);
    this.source.addEventListener("message", (event) => this.#take(JSON.parse(event.data)));
    this.source.addEventListener("problem", (event) => this.#ended(JSON.parse(event.data).detail));
    this.source.addEventListener("open", () => setText(this.note, t("trace.running")));
    this.source.addEventListener("error", () => this.#failed());
    this.#show();
    setText(this.note, t("trace.starting"));
  }

  stop() {
    this.source?.close();
    this.source = null;
    this.#show();
    setText(this.note, t("trace.stopped"));
  }

  #ended(reason) {
    this.stop();
    setText(this.note, reason);
  }

  #failed() {
    const ended = this.source?.readyState === EventSource.CLOSED;
    if (ended) this.stop();
    setText(this.note, t(ended ? "trace.refused" : "trace.reconnecting"));
  }

  #show() {
    this.button.setAttribute("aria-pressed", String(Boolean(this.source)));
    setText(this.button, t(this.source ? "trace.stop" : "trace.start"));
  }

  #take(line) {
    this.waiting.push(line);
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.scheduled = false;
    const follow = this.scroll.scrollTop + this.scroll.clientHeight > this.scroll.scrollHeight - 40;
    this.body.append(...this.waiting.splice(0).slice(-KEPT).map(traceRow));
    while (this.body.children.length > KEPT) this.body.firstChild.remove();
    if (follow) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}

function traceRow(line) {
  return el("tr", { dataset: { direction: line.direction } },
    el("td", { className: "mono" }, formatTime(Date.parse(line.t), siteZone, true)),
    el("td", { "aria-label": t(`trace.${line.direction}`), title: t(`trace.${line.direction}`) }, ARROWS[line.direction] ?? ""),
    el("td", { className: "trace-text" }, line.text),
    el("td", { className: "mono trace-data" }, line.data));
}
