/** How the node is: versions, load, queues, who listens, devices. */

import { request } from "../api.js";
import { el, setText } from "../dom.js";
import { formatAge, formatDuration, formatNumber } from "../format.js";
import { lang, t } from "../i18n.js";
import { siteTime } from "../present.js";
import "../shell.js";
import { bytes, count, facts, share, table } from "./parts.js";

const EVERY = 2000;
const note = document.getElementById("system-note");
const place = (name) => document.getElementById(`system-${name}`);
const seconds = (value) => formatDuration(value, lang);
const when = (text) => (text ? siteTime(Date.parse(text)) : "–");

/** Replaces what is shown only where it differs, so that selections stay. */
function put(name, ...nodes) {
  const fresh = el("div", {}, ...nodes.filter(Boolean));
  if (place(name).innerHTML !== fresh.innerHTML) place(name).replaceChildren(...fresh.childNodes);
}

function process({ node, devices: known }) {
  const load = node.load ? node.load.map((one) => formatNumber(one, 2, lang)).join("  ") : "–";
  put("process", facts([
    ["system.version", node.version], ["system.python", node.python ?? "–"], ["system.host", node.system ?? "–"],
    ["system.started", when(node.started)], ["system.uptime", formatAge(node.uptime_s ?? 0, lang)],
    ["system.cpu", share(node.cpu_share)], ["system.load", load],
    ["system.memory", `${bytes(node.memory_bytes)} (${t("system.peak")} ${bytes(node.memory_peak_bytes)})`],
    ["system.host_memory", `${bytes(node.host_memory_free_bytes)} / ${bytes(node.host_memory_bytes)}`],
    ["system.disk", `${bytes(node.disk_free_bytes)} / ${bytes(node.disk_bytes)}`],
    ["system.threads", count(node.threads)],
  ]));
  const told = known.filter((one) => one.remarks?.length).map((one) => [one.path, one.remarks.join("; ")]);
  put("components", facts([...Object.entries(node.components ?? {}), ...told], { plain: true }));
}

function devices(found) {
  put("devices", table("device", found, [
    ["path", (one) => el("a", { href: `/devices/${one.path}`, className: "device-name" }, one.path)],
    ["link", link], ["tags", (one) => count(one.tags)], ["scans", (one) => count(one.scans)],
    ["overruns", (one) => attention(one.overruns)], ["incomplete", (one) => attention(one.incomplete)],
    ["last_duration", (one) => seconds(one.last_duration)], ["worst_duration", (one) => seconds(one.worst_duration)],
  ]));
}

function link(one) {
  const look = { up: "chip", connecting: "chip chip-warn", down: "chip chip-crit" }[one.link] ?? "chip";
  return el("span", { className: look }, t(`device.link_${one.link}`));
}

function attention(number) {
  return number ? el("strong", {}, count(number)) : "0";
}

function subscribers(found) {
  put("subscribers", table("subscriber", found, [
    ["actor", (one) => one.actor ?? "–"], ["kind", (one) => one.kind], ["origin", (one) => one.origin || "–"],
    ["since", (one) => when(one.since)], ["sent", (one) => count(one.sent)], ["bytes", (one) => bytes(one.bytes)],
    ["dropped", (one) => attention(one.dropped)], ["held", (one) => bytes(one.held_bytes)],
    ["stalled", (one) => (one.stalled_s ? el("span", { className: "chip chip-warn" }, seconds(one.stalled_s)) : "–")],
  ]));
}

function broadcasts(found) {
  put("broadcasts", table("broadcast", found, [
    ["tags", (one) => count(one.tags)], ["interval", (one) => (one.interval ? seconds(one.interval) : t("system.at_once"))],
    ["clients", (one) => count(one.clients)], ["delivered", (one) => count(one.delivered ?? 0)],
    ["dropped", (one) => attention(one.dropped ?? 0)], ["queued", (one) => count(one.queued ?? 0)], ["peak", (one) => count(one.peak ?? 0)],
  ], { first: "number" }));
}

function rooms(found) {
  const shown = Object.entries(found).filter(([, figures]) => Object.keys(figures).length);
  put("rooms", ...shown.flatMap(([room, figures]) => [el("h3", {}, room), facts(Object.entries(figures)
    .filter(([, value]) => typeof value === "number").map(([name, value]) => [name.replaceAll("_", " "), count(value)]), { plain: true })]));
}

function show(found) {
  const faults = [...found.reasons.map((text) => ["note note-crit", text]), ...found.warnings.map((text) => ["note", text])];
  put("faults", ...faults.map(([className, text]) => el("p", { className }, text)));
  process(found);
  put("loop", facts(["p50", "p99", "max"].map((name) => [`system.lag_${name}`, seconds((found.loop[`${name}_ms`] ?? 0) / 1000)])));
  devices(found.devices);
  subscribers(found.subscribers);
  broadcasts(found.broadcasts);
  rooms(found.rooms);
  put("tasks", facts(found.tasks.map((one) => [one.name, count(one.count)]), { plain: true }));
}

async function ask() {
  if (document.hidden) return;
  try {
    show(await request("system"));
    setText(note, "");
  } catch (error) {
    setText(note, error.message);
  }
}

ask();
setInterval(ask, EVERY);
