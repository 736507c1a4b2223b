/** What a person may do with alarms: asks for what goes with it, sends it, and says what was refused. */

import { request, toJson } from "../api.js";
import { toast } from "../components/toast.js";
import { el, setText } from "../dom.js";
import { lang, t } from "../i18n.js";

const PRESETS = [900, 3600, 8 * 3600, 24 * 3600, 7 * 86400];

/** Act, the right that it needs, the states in which it means something, the key that does it. */
export const ACTS = [
  { act: "ack", right: "acknowledge", key: "a", states: ["unacknowledged", "returned", "latched"] },
  { act: "shelve", right: "shelve", key: "s", asks: true, states: ["normal", "unacknowledged", "acknowledged", "returned", "latched", "latched_acknowledged"] },
  { act: "unshelve", right: "shelve", key: "u", states: ["shelved"] },
  { act: "reset", right: "acknowledge", key: "r", states: ["latched_acknowledged"] },
  { act: "out", right: "configure", key: "o", asks: true, states: ["normal", "unacknowledged", "acknowledged", "returned", "latched", "latched_acknowledged", "shelved", "suppressed"] },
  { act: "in", right: "configure", key: "i", states: ["out_of_service"] },
];

async function send(act, ids, body) {
  return (await request("alarms", { method: "POST", body: toJson({ act, ids, ...body }) })).alarms;
}

function seconds(value) {
  const hours = value / 3600;
  return hours < 1 ? t("alarms.minutes", { minutes: value / 60 }) : t("override.hours", { hours: hours.toLocaleString(lang) });
}

/**
 * Asks for note (and time), then acts. Resolves to the alarms as they are then, null if the person says no.
 * @param {{act: string, asks?: boolean}} what
 * @param {string[]} ids
 */
export function perform(what, ids) {
  return new Promise((resolve) => {
    let done = null;
    const note = el("input", { className: "input", id: "alarm-act-note", maxLength: 500, required: Boolean(what.asks), autocomplete: "off" });
    const time = el("select", { className: "input", id: "alarm-act-time" }, ...PRESETS.map((value) => el("option", { value: String(value) }, seconds(value))));
    time.value = "3600";
    const error = el("p", { className: "field-hint field-error", role: "alert" });
    const submit = async (event) => {
      event.preventDefault();
      try {
        done = await send(what.act, ids, { note: note.value.trim(), ...(what.act === "shelve" ? { seconds: Number(time.value) } : {}) });
        dialog.close();
      } catch (problem) {
        setText(error, problem.message);
      }
    };
    const label = (id, text, field) => el("label", { className: "field", for: id }, el("span", { className: "field-label" }, text), field);
    const form = el("form", { className: "dialog-body", on: { submit } },
      el("h2", { id: "alarm-act-title" }, t(`alarms.act_${what.act}`)),
      el("p", { className: "mono page-sub" }, ids.length === 1 ? ids[0] : t("alarms.many", { count: ids.length })),
      label("alarm-act-note", t(what.asks ? "override.reason" : "alarms.note"), note),
      what.act === "shelve" ? label("alarm-act-time", t("override.duration"), time) : null, error,
      el("div", { className: "dialog-actions" },
        el("button", { type: "button", className: "button", on: { click: () => dialog.close() } }, t("confirm.cancel")),
        el("button", { type: "submit", className: "button button-main", id: "alarm-act-send" }, t(`alarms.act_${what.act}`))));
    const dialog = el("dialog", { className: "dialog", "aria-labelledby": "alarm-act-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (done) toast(t("alarms.done", { count: done.length }));
      resolve(done);
    });
    document.body.append(dialog);
    dialog.showModal();
    note.focus();
  });
}
