/** The worst unacknowledged alarm, on every page; and the sound of it, where the person has armed it. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { live } from "../live.js";
import { alarms, UNACKNOWLEDGED } from "./store.js";
import { armed, play, silence } from "./sound.js";

const place = document.getElementById("alarm-banner");
let shown = "";

/** Priority as a sign: its shape says it without colour. */
export function priorityMark(priority) {
  const name = priority || "draft";
  return el("span", { className: `priority priority-${name}`, title: t(`alarms.priority_${name}`) }, priority ? String(priority) : "–");
}

function show() {
  const { worst, count } = alarms.worst();
  const now = worst ? `${worst.id} ${worst.state} ${count} ${armed()}` : `none ${armed()}`;
  if (now === shown) return;
  shown = now;
  place.hidden = !worst;
  place.dataset.priority = worst ? String(worst.priority || "draft") : "";
  if (!worst) return place.replaceChildren();
  place.replaceChildren(
    priorityMark(worst.priority),
    el("a", { className: "alarm-banner-link", href: `/alarms?show=${encodeURIComponent(worst.id)}` },
      el("strong", {}, worst.id), ` ${t(`alarms.state_${worst.state}`)}`),
    el("span", { className: "alarm-banner-count" }, t("alarms.count", { count })),
    armed() ? "" : el("span", { className: "chip chip-warn alarm-unarmed" }, t("alarms.sound_off")));
}

function changed({ detail: { raised, whole } }) {
  show();
  if (raised.length && !whole) play(Math.min(...raised.map((alarm) => alarm.priority || 4)));
  if (![...alarms.open.values()].some((alarm) => UNACKNOWLEDGED.has(alarm.state))) silence();
}

export function startBanner() {
  if (!place) return;
  alarms.addEventListener("change", changed);
  document.addEventListener("alarmsound", show);
  live.wantAlarms();
}
