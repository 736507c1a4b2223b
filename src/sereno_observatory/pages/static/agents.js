/** Agents: how they are, when they beat last, start, stop, restart, and what they say. */

import { bindings, el, icon, labelOf, setText, severity, t } from "../../js/public.js";
import { ackList, actButton } from "./acts.js";
import "./log.js";
import { site } from "./site.js";
import "./words.js";

const GOOD = new Set(["running", "starting"]);

function chip(tag) {
  const element = el("span", { className: "chip" }, "—");
  bindings.bind(tag, (state) => {
    const known = severity(state.quality) === "good" && state.spec && state.value !== null;
    const word = known ? labelOf(state.spec, state.value) : "";
    setText(element, word ? t(`observatory.agent.${word}`) : t("observatory.unknown"));
    element.className = GOOD.has(word) ? "chip" : word === "given_up" || !known ? "chip chip-crit" : "chip chip-warn";
  });
  return element;
}

function fact(name, tag) {
  return [el("dt", {}, t(`observatory.agent.${name}`)), el("dd", {}, el("sr-value", { tag }))];
}

function card(agent) {
  const acks = ackList();
  const buttons = agent.commands.map((name) => actButton({
    label: t(`observatory.agent.do.${name}`), text: t(`observatory.agent.ask.${name}`),
    command: () => ({ target: agent.supervision, name, arguments: [] }),
  }, acks));
  return el("section", { className: "card", dataset: { agent: agent.path }, "aria-label": agent.path },
    el("div", { className: "card-head" }, el("h2", {}, agent.path.split("/").at(-1)), chip(`${agent.supervision}/state`)),
    el("p", {}, agent.description),
    el("dl", { className: "facts" }, ...fact("silence", `${agent.supervision}/silence`), ...fact("restarts", `${agent.supervision}/restarts`)),
    el("div", { className: "ob-acts" }, ...buttons, el("a", { className: "button", href: `/devices/${agent.path}` }, icon("devices"), t("observatory.agent.device"))),
    acks,
    el("details", { className: "ob-more", open: true }, el("summary", {}, t("observatory.log")), el("ob-log", { agent: agent.path })));
}

document.getElementById("agents").append(...site.agents.map(card));
document.getElementById("none").hidden = site.agents.length > 0;
