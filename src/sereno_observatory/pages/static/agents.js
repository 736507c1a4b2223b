/** Agents: how they are, when they beat last, start, stop, restart, and what they say; below them the simulators. */

import { el, icon, t } from "../../js/public.js";
import { ackList } from "./acts.js";
import { simulatorCard } from "./simulators.js";
import { site } from "./site.js";
import { inWords } from "./words.js";
import { chip, fact, logOf, orders, reason } from "./supervised.js";

function card(agent) {
  const [acks, why] = [ackList(), reason()];
  const value = (name) => el("sr-value", { tag: `${agent.supervision}/${name}` });
  return el("section", { className: "card", dataset: { agent: agent.path }, "aria-label": agent.path },
    el("div", { className: "card-head" }, el("h2", {}, agent.path.split("/").at(-1)), chip(agent.supervision, why)),
    el("p", {}, inWords(agent.description)), why,
    el("dl", { className: "facts" }, ...fact("observatory.agent.silence", value("silence")), ...fact("observatory.agent.restarts", value("restarts"))),
    el("div", { className: "ob-acts" }, ...orders(agent, "observatory.agent.", acks), el("a", { className: "button", href: `/devices/${agent.path}` }, icon("devices"), t("observatory.agent.device"))),
    acks,
    logOf(agent.path, true));
}

document.getElementById("agents").append(...site.agents.map(card));
document.getElementById("none").hidden = site.agents.length > 0;
document.getElementById("simulators").append(...site.simulators.map(simulatorCard));
for (const id of ["simulated", "to-simulators"]) document.getElementById(id).hidden = site.simulators.length === 0;
