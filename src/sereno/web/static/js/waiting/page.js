/** The page of all commands that wait for people: what for, until when, and the buttons of who looks at it. */

import { tags, urlPath } from "../api.js";
import { aboutOf, buttonsOf, changeOf, countdown, waitsFor } from "../components/waiting.js";
import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { onWaiting, refreshWaiting, waitsForMe } from "../waiting.js";
import "../shell.js";

const byId = (id) => document.getElementById(id);
let shown = null;

async function show(commands) {
  const now = JSON.stringify(commands);
  if (now === shown) return;
  shown = now;
  const specs = commands.length ? await tags().catch(() => []) : [];
  if (now !== shown) return;
  const card = (one) => {
    const spec = specs.find((tag) => tag.tag === one.target);
    return el("article", { className: "card waiting", dataset: { key: one.key } },
      el("header", { className: "card-head" },
        el("h2", {}, spec?.description || one.target), countdown(one)),
      one.verb === "call" ? el("a", { className: "mono page-sub", href: `/devices/${urlPath(one.target)}` }, one.target)
        : el("button", { type: "button", className: "link-button mono page-sub", dataset: { openTag: one.target } }, one.target),
      el("p", {}, el("strong", {}, waitsFor(one))), changeOf(one, spec), aboutOf(one), buttonsOf(one, spec));
  };
  const [mine, others] = [commands.filter(waitsForMe), commands.filter((one) => !waitsForMe(one))];
  byId("waiting").replaceChildren(...(commands.length ? [...mine, ...others].map(card) : [el("p", { className: "card empty" }, t("waiting.none"))]));
  setText(byId("waiting-count"), mine.length ? t("waiting.count", { count: mine.length }) : "");
}

await refreshWaiting();
onWaiting(show);
