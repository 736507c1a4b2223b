/** One sequence in full: what was asked, what was taken, how it has fared. To look needs no more than the right to read. */

import { el, formatDayTime, setText, siteZone, t } from "../../js/public.js";
import { attempt, send } from "./acts.js";
import { site } from "./site.js";
import { inWords } from "./words.js";

const place = (id) => document.getElementById(id);
const moment = (ns) => formatDayTime(ns / 1e6, siteZone);
let asked = 0;

/** The name of a sequence; for who may look at it in full a button that shows it. */
export function nameOf(one) {
  if (!site.of_sequences.includes("show")) return el("span", {}, one.name);
  return el("button", { type: "button", className: "button ob-look", "aria-label": `${t("observatory.sequence.look")}: ${one.id} ${one.name}`, on: { click: () => attempt(() => look(one.id)) } }, one.name);
}

async function look(number) {
  const mine = ++asked;
  const acks = el("ol", { className: "acks", "aria-live": "polite" });
  place("sequence-detail").replaceChildren(acks);
  const final = await send({ target: site.sequences, name: "show", arguments: [number], comment: "" }, acks);
  if (mine !== asked || final.state !== "done") return;
  place("sequence-detail").replaceChildren(...shown(JSON.parse(final.value)));
}

function shown(entry) {
  const { sequence } = entry;
  const title = el("h3", { tabIndex: -1 }, `${entry.id}: ${sequence.name}`);
  const close = el("button", { type: "button", className: "button", on: { click: () => place("sequence-detail").replaceChildren() } }, t("observatory.sequence.close"));
  const plans = sequence.albums.flatMap((album) => album.plans.map((plan) => `${album.detector}: ${plan.images} × ${plan.exposure} s ${plan.filter}`.trim()));
  requestAnimationFrame(() => title.focus());
  return [
    title,
    facts([[t("observatory.column.account"), entry.account], [t("observatory.column.status"), [inWords(entry.status), entry.why && inWords(entry.why)].filter(Boolean).join(" · ")]]),
    list(t("observatory.sequence.plans"), plans),
    list(t("observatory.sequence.images"), entry.images.map((image) => [moment(image.t_start), image.file, image.note].filter(Boolean).join("  "))),
    list(t("observatory.sequence.changes"), entry.changes.map((one) => [moment(one.t), inWords(one.status), one.why && inWords(one.why)].filter(Boolean).join("  "))),
    el("div", { className: "ob-acts" }, close),
  ];
}

function facts(pairs) {
  return el("dl", { className: "facts" }, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value || "–")]));
}

function list(title, lines) {
  const head = el("h4", {});
  setText(head, title);
  const body = lines.length ? el("ul", { className: "ob-lines" }, ...lines.map((line) => el("li", {}, line))) : el("p", { className: "page-sub" }, "–");
  return el("div", {}, head, body);
}
