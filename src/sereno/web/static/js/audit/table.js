/** Records of the audit as a table. Everything in them is text of others: it is shown, never interpreted. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { siteTime, zoneName } from "../present.js";

const LINE = 60;
const HEADS = ["time", "who", "from", "action", "target", "change", "outcome", "number"];

/** A value as one line of text. */
function text(value) {
  if (value === null) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What is longer than a line is there to be unfolded: the row is for finding it. */
function shown(value) {
  const whole = text(value);
  if (whole.length <= LINE) return el("span", {}, whole);
  const pretty = typeof value === "string" ? whole : JSON.stringify(value, null, 1);
  return el("details", { className: "audit-long" }, el("summary", {}, `${whole.slice(0, LINE)}…`), el("pre", {}, pretty));
}

/** What a signed record says besides its value; null for others. */
function signatureOf(record) {
  const signed = record.command && typeof record.new?.signature === "object" ? record.new : null;
  return signed && "value" in signed ? signed.signature : null;
}

function change(record) {
  if (record.old === null && record.new === null) return "";
  const signature = signatureOf(record);
  const now = signature ? record.new.value : record.new;
  return el("span", { className: "audit-change" }, shown(record.old), " → ", el("strong", {}, shown(now)),
    signature ? el("span", { className: "audit-comment" }, t("audit.signed", { name: String(signature.name), meaning: String(signature.meaning) })) : null);
}

/** Only what needs attention has a colour. */
function outcome(record) {
  const [word] = record.outcome.split(/[: ]/, 1);
  const look = { refused: "chip chip-warn", failed: "chip chip-warn", unknown: "chip chip-crit" }[word];
  const rest = record.outcome.slice(word.length).replace(/^: /, "");
  const key = `audit.outcome_${word}`;
  const said = t(key) === key ? word : t(key);
  return el("td", { className: "audit-outcome" }, el("span", { className: look ?? "chip" }, said), rest ? ` ${rest}` : null,
    record.comment ? el("span", { className: "audit-comment" }, `“${record.comment}”`) : null);
}

function row(record) {
  return el("tr", { dataset: { record: record.seq } },
    el("td", { className: "audit-time" }, siteTime(Date.parse(record.t))), el("td", {}, record.actor), el("td", {}, record.origin),
    el("td", {}, record.action), el("td", { className: "audit-target" }, record.target), el("td", {}, change(record)),
    outcome(record), el("td", { className: "number" }, String(record.seq)));
}

/** @param {any[]} records */
export function recordTable(records) {
  if (!records.length) return el("p", { className: "empty" }, t("audit.none"));
  return el("table", { className: "table audit-table" },
    el("caption", { className: "unseen" }, t("nav.audit")),
    el("thead", {}, el("tr", {}, ...HEADS.map((name) => el("th", { scope: "col", className: name === "number" ? "number" : "" }, t(`audit.${name}`, { zone: zoneName }))))),
    el("tbody", {}, ...records.map(row)));
}
