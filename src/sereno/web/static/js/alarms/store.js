/** How alarms stand, kept up to date by the page's socket; fires "change". */

import { live } from "../live.js";

export const UNACKNOWLEDGED = new Set(["unacknowledged", "returned", "latched"]);
export const HIDDEN = new Set(["shelved", "suppressed", "out_of_service"]);

/** Draft alarms have no priority: they come last. */
export const urgency = (alarm) => alarm.priority || 9;

/** The order in which people want to see alarms: shown, unacknowledged, urgent, new. */
export function compare(a, b) {
  return HIDDEN.has(a.state) - HIDDEN.has(b.state)
    || UNACKNOWLEDGED.has(b.state) - UNACKNOWLEDGED.has(a.state)
    || urgency(a) - urgency(b)
    || Date.parse(b.since ?? 0) - Date.parse(a.since ?? 0)
    || (a.id < b.id ? -1 : 1);
}

export class AlarmStore extends EventTarget {
  /** @param {EventTarget} socket */
  constructor(socket) {
    super();
    /** @type {Map<string, any>} those that are not normal */
    this.open = new Map();
    this.known = false;
    socket.addEventListener("alarms", (event) => this.receive(event.detail));
  }

  receive({ whole, alarms }) {
    if (whole) this.open.clear();
    const raised = [];
    for (const alarm of alarms) {
      const before = this.open.get(alarm.id);
      if (alarm.state === "normal") this.open.delete(alarm.id);
      else this.open.set(alarm.id, alarm);
      if (alarm.state === "unacknowledged" && before?.state !== "unacknowledged") raised.push(alarm);
    }
    this.known = true;
    this.dispatchEvent(new CustomEvent("change", { detail: { alarms, raised, whole } }));
  }

  /** The worst that nobody has acknowledged, and how many such there are. */
  worst() {
    let worst = null;
    let count = 0;
    for (const alarm of this.open.values()) {
      if (!UNACKNOWLEDGED.has(alarm.state)) continue;
      count += 1;
      if (!worst || compare(alarm, worst) < 0) worst = alarm;
    }
    return { worst, count };
  }
}

export const alarms = new AlarmStore(live);
