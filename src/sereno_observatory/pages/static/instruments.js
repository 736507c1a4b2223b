/** Each instrument: what it is at, all that it tells, and its commands. */

import { el, icon, t, tags as allTags } from "../../js/public.js";
import { commandForms, devices } from "./forms.js";
import { site } from "./site.js";
import "./words.js";

const STATE = { telescope: "state", dome: "shutter", camera: "state", filterwheel: "state", safetymonitor: "safe" };

function facts(one, specs) {
  return specs.flatMap((spec) => {
    const name = spec.tag.split("/").at(-1);
    const label = t(`observatory.tag.${name}`);
    const known = label === `observatory.tag.${name}` ? name.replaceAll("_", " ") : label;
    return [el("dt", {}, el("button", { type: "button", className: "link-button", title: spec.description, dataset: { openTag: spec.tag } }, known)),
      el("dd", {}, el("sr-value", { tag: spec.tag }))];
  });
}

function card(one, device, specs) {
  const state = STATE[one.kind];
  return el("section", { className: "card", dataset: { instrument: one.path }, "aria-label": one.path },
    el("div", { className: "card-head" }, el("h2", {}, one.path.split("/").at(-1)), el("span", { className: "page-sub" }, t(`observatory.kind.${one.kind}`)),
      state ? el("ob-words", { className: "ob-status", tag: `${one.path}/${state}` }) : el("span", {})),
    one.kind === "camera" ? el("div", { className: "ob-progress" }, el("ob-progress", { tag: `${one.path}/progress` })) : null,
    el("dl", { className: "facts ob-facts" }, ...facts(one, specs)),
    one.may && device ? commandForms(device) : null,
    el("p", { className: "page-sub" }, el("a", { href: `/devices/${one.path}` }, icon("devices"), ` ${one.path}`), ` · ${one.driver}`));
}

async function start() {
  const [known, specs] = await Promise.all([devices(), allTags()]);
  document.getElementById("cards").append(...site.instruments.map((one) => card(one, known.get(one.path), specs.filter((spec) => spec.tag.startsWith(`${one.path}/`)))));
  document.getElementById("none").hidden = site.instruments.length > 0;
}

start();
