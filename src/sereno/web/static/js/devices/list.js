/** The page of all devices. */

import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import "../shell.js";
import { pollDevices } from "./poll.js";
import { groupTable, stateChips } from "./parts.js";

const place = document.getElementById("device-list");
const note = document.getElementById("device-note");

function card(device) {
  const slash = device.path.lastIndexOf("/") + 1;
  return el("article", { className: "card", dataset: { device: device.path } },
    el("div", { className: "card-head" },
      el("h2", {}, el("a", { href: `/devices/${device.path}`, className: "device-name" }, el("span", { className: "tag-device" }, device.path.slice(0, slash)), device.path.slice(slash))),
      el("span", { className: "page-sub" }, device.description || `${device.driver} · ${device.url}`), stateChips(device)),
    device.last_error && device.link !== "up" ? el("p", { className: "note note-crit" }, device.last_error) : null,
    groupTable(device.groups));
}

/** Redraws a card only where it differs, so that focus and selection stay. */
function show(devices) {
  setText(note, devices.length ? "" : t("device.none"));
  const kept = new Map([...place.children].map((child) => [child.dataset.device, child]));
  const cards = devices.map((device) => {
    const fresh = card(device);
    const old = kept.get(device.path);
    if (!old) return fresh;
    if (!old.contains(document.activeElement) && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    return old;
  });
  if (cards.length !== place.children.length || cards.some((one, i) => one !== place.children[i])) place.replaceChildren(...cards);
}

pollDevices(show, (reason) => setText(note, reason));
