/** The question before a command: what is it now, what shall it be, or what shall be done. */

import { el } from "../dom.js";
import { t } from "../i18n.js";

/**
 * Asks and waits. Resolves to null if the person says no, else to the comment.
 * @param {{tag: string, description: string, before: string, after: string}} change
 * @returns {Promise<{comment: string} | null>}
 */
export function confirmWrite({ tag, description, before, after }) {
  return ask(t("confirm.title"), t("confirm.write"), [
    el("div", {}, el("p", {}, description || tag), el("p", { className: "mono page-sub" }, tag)),
    el("p", { className: "change" },
      el("span", { className: "change-before" }, el("span", { className: "field-label" }, t("confirm.before")), before),
      el("span", { className: "change-arrow", "aria-hidden": "true" }, "→"),
      el("span", { className: "change-after" }, el("span", { className: "field-label" }, t("confirm.after")), after)),
  ]);
}

/**
 * As `confirmWrite`, about anything: `action` are the words on the button, `text` what it comes to, `subject` what it is done to.
 * @param {{title: string, action: string, subject?: string, text?: string}} act
 * @returns {Promise<{comment: string} | null>}
 */
export function confirmAct({ title, action, subject = "", text = "" }) {
  return ask(title, action, [el("div", {}, text ? el("p", {}, text) : null, subject ? el("p", { className: "mono page-sub" }, subject) : null)]);
}

function ask(title, action, parts) {
  return new Promise((resolve) => {
    const comment = el("input", { className: "input", id: "confirm-comment", maxLength: 200, autocomplete: "off" });
    const cancel = el("button", { type: "button", className: "button", on: { click: () => dialog.close() } }, t("confirm.cancel"));
    const send = el("button", { type: "submit", className: "button button-main", id: "confirm-send" }, action);
    const form = el(
      "form",
      { className: "dialog-body", method: "dialog", on: { submit: () => { dialog.returnValue = "write"; } } },
      el("h2", { id: "confirm-title" }, title),
      ...parts,
      el("label", { className: "field", for: "confirm-comment" }, el("span", { className: "field-label" }, t("confirm.comment")), comment),
      el("div", { className: "dialog-actions" }, cancel, send),
    );
    const dialog = el("dialog", { className: "dialog", "aria-labelledby": "confirm-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "write" ? { comment: comment.value.trim() } : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    send.focus();
  });
}
