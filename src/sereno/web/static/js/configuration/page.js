/** The configuration of the node: what runs, what the plant file would change, applying it and rolling back. */

import { request, toJson } from "../api.js";
import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { siteTime } from "../present.js";
import "../shell.js";

const MOST = 500;
const byId = (id) => document.getElementById(`configuration-${id}`);
const MARKS = { added: "+", removed: "−", changed: "~" };
const when = (text) => (text ? siteTime(Date.parse(text)) : "–");
const post = (verb, body) => request(`configuration/${verb}`, { method: "POST", body: toJson(body) });

function facts(rows) {
  return el("dl", { className: "facts" }, ...rows.flatMap(([name, value]) => [el("dt", {}, t(`configuration.${name}`)), el("dd", {}, value)]));
}

function sheet(rows, head = null) {
  return el("div", { className: "table-scroll table-plain" }, el("table", { className: "table" }, head, el("tbody", {}, ...rows)));
}

async function refresh() {
  const found = await request("configuration");
  byId("running").replaceChildren(facts([
    ["number", String(found.number)], ["since", when(found.since)], ["by", found.by], ["source", el("code", {}, found.source)],
    ["size", t("configuration.counted", { devices: found.devices, tags: found.tags })],
  ]));
  if (found.back) byId("running").append(el("p", { className: "chip chip-warn" }, t("configuration.rolled_back")));
  for (const one of found.pending) byId("running").append(el("p", {}, el("span", { className: "chip chip-warn" }, t("configuration.next_start")), ` ${one}`));
  const rows = found.kept.map((one) => el("tr", {}, el("th", { scope: "row" }, String(one.number)), el("td", {}, when(one.since)), el("td", {}, one.by), el("td", { className: "mono" }, one.folder)));
  byId("kept").replaceChildren(rows.length ? sheet(rows) : el("p", { className: "page-sub" }, t("configuration.none_kept")));
  byId("look-back").disabled = !found.kept.some((one) => one.number < found.number);
}

async function look(back) {
  await attempt(async () => {
    setText(byId("note"), t("configuration.looking"));
    show(await post("plan", { back }), back);
    setText(byId("note"), "");
  });
}

function show(plan, back) {
  byId("plan").hidden = false;
  setText(byId("title"), t(back ? "configuration.back_title" : "configuration.plan_title"));
  const place = byId("changes");
  if (plan.faults.length) {
    place.replaceChildren(el("p", {}, t("configuration.faults")), sheet(plan.faults.map(faultRow)));
    return;
  }
  if (!plan.changes.length) {
    place.replaceChildren(el("p", { className: "page-sub" }, t("configuration.nothing")));
    return;
  }
  const more = plan.changes.length - MOST;
  place.replaceChildren(
    sheet(plan.changes.slice(0, MOST).map(changeRow)),
    more > 0 ? el("p", { className: "page-sub" }, t("configuration.more", { count: more })) : "",
    ...plan.interrupted.map((one) => el("p", {}, el("span", { className: "chip chip-warn" }, t("configuration.interrupts")), ` ${one.device}: ${one.why}`)),
    el("p", {}, el("button", { type: "button", className: "button button-main", id: "configuration-apply", on: { click: () => ask(plan, back) } },
      t(back ? "configuration.roll_back" : "configuration.apply"))),
  );
}

function faultRow(one) {
  return el("tr", {}, el("th", { scope: "row", className: "mono" }, one.where), el("td", {}, [one.found, one.expected, one.fix].filter(Boolean).join("; ")));
}

function changeRow(one) {
  const words = one.fields.map((f) => el("div", { className: "mono" }, `${f.field}: ${f.old || "–"} → ${f.new || "–"}`));
  const effect = one.effect === "live" ? null : el("span", { className: "chip chip-warn" }, t(`configuration.${one.effect}`));
  return el("tr", {}, el("td", { "aria-label": t(`configuration.${one.change}`) }, MARKS[one.change]), el("td", {}, t(`configuration.kind_${one.kind}`)),
    el("th", { scope: "row", className: "mono" }, one.name), el("td", {}, ...words), el("td", {}, effect));
}

function ask(plan, back) {
  const comment = el("input", { className: "input", id: "configuration-comment", maxLength: 200, autocomplete: "off" });
  const cancel = el("button", { type: "button", className: "button", on: { click: () => dialog.close() } }, t("confirm.cancel"));
  const send = el("button", { type: "submit", className: "button button-main", id: "configuration-send" }, t(back ? "configuration.roll_back" : "configuration.apply"));
  const count = plan.interrupted.length;
  const form = el("form", { className: "dialog-body", method: "dialog", on: { submit: () => { dialog.returnValue = "apply"; } } },
    el("h2", { id: "configuration-ask" }, t("configuration.sure", { changes: plan.changes.length })),
    el("p", {}, count ? t("configuration.interrupted", { devices: plan.interrupted.map((one) => one.device).join(", ") }) : t("configuration.uninterrupted")),
    el("label", { className: "field", for: "configuration-comment" }, el("span", { className: "field-label" }, t("confirm.comment")), comment),
    el("div", { className: "dialog-actions" }, cancel, send));
  const dialog = el("dialog", { className: "dialog", "aria-labelledby": "configuration-ask" }, form);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue === "apply") apply(plan, back, comment.value.trim());
  });
  document.body.append(dialog);
  dialog.showModal();
  send.focus();
}

async function apply(plan, back, comment) {
  await attempt(async () => {
    setText(byId("note"), t("configuration.applying"));
    await post("apply", { back, token: plan.token, comment });
    byId("plan").hidden = true;
    await refresh();
    setText(byId("note"), t("configuration.applied"));
  });
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    setText(byId("note"), error.message);
  }
}

byId("look").addEventListener("click", () => look(false));
byId("look-back").addEventListener("click", () => look(true));
attempt(refresh);
