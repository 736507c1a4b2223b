/** What cards of agents and of simulators have in common: how it is, why, and what it has said. */

import { bindings, el, labelOf, setText, severity, t } from "../../js/public.js";
import { actButton } from "./acts.js";
import { devices } from "./forms.js";
import "./log.js";
import { inWords } from "./words.js";

const GOOD = new Set(["running", "starting"]);

/** Its state as a word, which its card knows too; of who does not run, `why` says the reason. `calm`: it need not run. */
export function chip(supervision, why, calm = false) {
  const element = el("span", { className: "chip" }, "—");
  bindings.bind(`${supervision}/state`, async (state) => {
    const known = severity(state.quality) === "good" && state.spec && state.value !== null;
    const word = known ? labelOf(state.spec, state.value) : "";
    if (element.dataset.word === (word || "unknown")) return;
    element.dataset.word = word || "unknown";
    element.closest(".card")?.setAttribute("data-word", element.dataset.word);
    setText(element, word ? t(`observatory.agent.${word}`) : t("observatory.unknown"));
    element.className = GOOD.has(word) || (calm && word === "stopped") ? "chip" : ["given_up", "stopping"].includes(word) || !known ? "chip chip-crit" : "chip chip-warn";
    setText(why, "");
    if (!word || GOOD.has(word)) return;
    const found = await devices().catch(() => null);
    if (element.dataset.word === word) setText(why, inWords(found?.get(supervision)?.status ?? ""));
  });
  return element;
}

/** The line that `chip` writes into. */
export function reason() {
  return el("p", { className: "page-sub ob-why", role: "status" });
}

/** A named value of a list of facts; `running`: it has one only while it runs. */
export function fact(name, value, running = false) {
  const dataset = running ? { running: "" } : {};
  return [el("dt", { dataset }, t(name)), el("dd", { dataset }, value)];
}

/** Start, stop, restart: those that who is signed in may give; its card shows those that fit its state. `given` are the arguments of start and restart. */
export function orders(one, family, acks, given = () => []) {
  return one.commands.map((name) => {
    const button = actButton({
      label: t(`observatory.agent.do.${name}`), text: t(`${family}ask.${name}`),
      command: () => ({ target: one.supervision, name, arguments: name === "stop" ? [] : given() }),
    }, acks);
    button.dataset.order = name;
    return button;
  });
}

/** Its log, folded or not. */
export function logOf(path, open) {
  const more = el("details", { className: "ob-more", open }, el("summary", {}, t("observatory.log")));
  const show = () => more.open && !more.querySelector("ob-log") && more.append(el("ob-log", { agent: path }));
  more.addEventListener("toggle", show);
  show();
  return more;
}
