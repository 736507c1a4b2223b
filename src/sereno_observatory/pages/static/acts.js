/** Buttons that command something: a question first, then what becomes of it, in words. */

import { ApiError, call, confirmAct, el, showAcks, t, toast, write } from "../../js/public.js";
import { inWords } from "./words.js";

const PLAIN = { type: "string" };

/**
 * A button with the acks of its command below it in `list`. `command` is `{target, value}` or `{target, name, arguments}`.
 * @param {{label: string, action?: string, text?: string, main?: boolean, asks?: boolean, command: () => any}} act
 * @param {HTMLElement} list where the acks are shown
 * @returns {HTMLButtonElement}
 */
export function actButton({ label, action = label, text = "", main = false, asks = true, command }, list) {
  const button = el("button", { type: "button", className: main ? "button button-main" : "button" }, label);
  button.addEventListener("click", async () => {
    const wanted = command();
    if (!wanted) return;
    const answer = asks ? await confirmAct({ title: label, action, text, subject: subjectOf(wanted) }) : { comment: "" };
    if (!answer) return;
    button.disabled = true;
    await send({ ...wanted, comment: answer.comment }, list);
    button.disabled = false;
  });
  return button;
}

/** Sends a command and shows its acks; resolves to the final one. */
export function send(command, list) {
  showAcks(list, [], PLAIN, true);
  const show = (acks) => showAcks(list, acks.map((ack) => ({ ...ack, reason: ack.reason && inWords(ack.reason) })), PLAIN, true);
  return ("name" in command ? call : write)(command, show).then((final) => {
    for (const row of list.querySelectorAll("[data-state=waiting]")) row.remove();
    return final;
  });
}

/** The empty list that acks are shown in. */
export function ackList() {
  return el("ol", { className: "acks", "aria-live": "polite", "aria-label": t("command.title") });
}

function subjectOf(command) {
  if (!("name" in command)) return `${command.target} = ${command.value}`;
  return `${command.target} ${command.name}(${(command.arguments ?? []).join(", ")})`;
}

/** Does something and says so when it fails. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message);
    return null;
  }
}
