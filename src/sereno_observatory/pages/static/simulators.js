/** A simulator of this node: its process, where it listens, what it plays, start, stop, restart, its log. */

import { bindings, el, labelOf, severity, t } from "../../js/public.js";
import { ackList } from "./acts.js";
import { chip, fact, logOf, orders, reason } from "./supervised.js";
import { inWords } from "./words.js";

const NONE = "none";

/** The scenarios to choose from, at first the one that it plays. */
function choice(one) {
  const text = (name) => (name === NONE ? t("observatory.scenario.none") : name);
  const select = el("select", { className: "input", id: `scenario-${one.path.replaceAll("/", "-")}` },
    ...one.scenarios.map((name) => el("option", { value: name }, text(name))));
  let told = null;
  bindings.bind(`${one.path}/scenario`, (state) => {
    const name = severity(state.quality) === "good" && state.spec ? labelOf(state.spec, state.value) : null;
    if (name !== null && name !== told) select.value = name;
    told = name;
  });
  return select;
}

/** @param {{path: string, supervision: string, description: string, url: string, commands: string[], scenarios: string[]}} one */
export function simulatorCard(one) {
  const [acks, why] = [ackList(), reason()];
  const value = (name) => el("sr-value", { tag: `${one.path}/${name}` });
  const select = one.scenarios.length && one.commands.length ? choice(one) : null;
  const plays = select
    ? [el("dt", {}, el("label", { for: select.id }, t("observatory.scenario"))), el("dd", {}, select)]
    : one.scenarios.length ? fact("observatory.scenario", value("scenario")) : [];
  return el("section", { className: "card", dataset: { simulator: one.path }, "aria-label": one.path },
    el("div", { className: "card-head" }, el("h2", {}, one.path.split("/").at(-1)), chip(one.path, why, true)),
    el("p", {}, inWords(one.description)), why,
    el("dl", { className: "facts" },
      ...(one.url ? fact("observatory.simulator.url", el("span", { className: "mono" }, one.url)) : []),
      ...fact("observatory.simulator.pid", value("pid"), true), ...fact("observatory.agent.restarts", value("restarts")), ...plays),
    one.commands.length ? el("div", { className: "ob-acts" }, ...orders(one, "observatory.simulator.", acks, () => (select ? [select.value] : []))) : null,
    acks,
    logOf(one.path, false));
}
