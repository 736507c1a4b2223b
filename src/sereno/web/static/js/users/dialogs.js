/** The questions of the pages about people: fields to fill in, things to confirm, secrets to show once. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { copyText } from "../components/clipboard.js";

/**
 * A dialog whose form runs `act`; it stays open with the reason while `act` fails.
 * @param {{title: string, text?: string, fields?: Node[], button: string, act: () => Promise<any>}} question
 * @returns {Promise<any>} what `act` gave, undefined if the person said no
 */
export function ask({ title, text = "", fields = [], button, act }) {
  return new Promise((resolve) => {
    let result;
    const note = el("p", { className: "field-hint field-error", role: "alert" });
    const send = el("button", { type: "submit", className: "button button-main", id: "dialog-send" }, button);
    const cancel = el("button", { type: "button", className: "button", on: { click: () => dialog.close() } }, t("confirm.cancel"));
    const submit = async (event) => {
      event.preventDefault();
      send.disabled = true;
      try {
        result = (await act()) ?? true;
        dialog.close();
      } catch (error) {
        note.textContent = error.message;
      } finally {
        send.disabled = false;
      }
    };
    const form = el("form", { className: "dialog-body", on: { submit } },
      el("h2", { id: "dialog-title" }, title), text ? el("p", {}, text) : null, ...fields, note,
      el("div", { className: "dialog-actions" }, cancel, send));
    const dialog = el("dialog", { className: "dialog", "aria-labelledby": "dialog-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
    (fields.length ? form.querySelector("input, select, textarea") : cancel)?.focus();
  });
}

/** A secret that is shown this once. */
export function showOnce(title, name, secret) {
  const close = el("button", { type: "button", className: "button button-main", on: { click: () => dialog.close() } }, t("users.kept"));
  const copy = el("button", { type: "button", className: "button", on: { click: () => copyText(secret) } }, t("users.copy"));
  const dialog = el("dialog", { className: "dialog", "aria-labelledby": "dialog-title" },
    el("div", { className: "dialog-body" }, el("h2", { id: "dialog-title" }, title), el("p", {}, name),
      el("p", { className: "secret mono", id: "secret" }, secret), el("p", { className: "note" }, t("users.once")),
      el("div", { className: "dialog-actions" }, copy, close)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

/** A labelled input. */
export function field(label, id, properties = {}) {
  return el("label", { className: "field", for: id }, el("span", { className: "field-label" }, label),
    el("input", { className: "input", id, autocomplete: "off", required: true, ...properties }));
}

/** A labelled choice of one. */
export function choice(label, id, names, chosen = "") {
  return el("label", { className: "field", for: id }, el("span", { className: "field-label" }, label),
    el("select", { className: "input", id }, ...names.map((name) => el("option", { value: name, selected: name === chosen }, name))));
}

/** Check boxes, one for each name. */
export function choices(label, names, chosen = []) {
  return el("fieldset", { className: "choices" }, el("legend", { className: "field-label" }, label),
    ...names.map((name) => el("label", {}, el("input", { type: "checkbox", className: "check", name: "choice", value: name, checked: chosen.includes(name) }), name)));
}

/** The names that are checked among `choices`. */
export function chosenIn(set) {
  return [...set.querySelectorAll("input:checked")].map((box) => box.value);
}

/** The value of the field with this id. */
export function valueOf(id) {
  return document.getElementById(id).value.trim();
}
