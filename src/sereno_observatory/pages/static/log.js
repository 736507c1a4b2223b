/** `<ob-log agent="observatory/majordome">`: the agent's own log, newest first, as it grows, in the page's language where its words are known. */

import { el, formatDayTime, formatTime, request, setText, siteZone, t, urlPath, zoneName } from "../../js/public.js";

import { eventInWords, inWords } from "./words.js";

const EVERY = 3000;
const MOST = 100;
const GRAVE = new Set(["error", "critical", "exception"]);
/** Fields that hold what somebody says; the others are names and numbers. */
const SAYS = new Set(["why", "reason", "status", "state", "outcome", "error", "answer"]);

class Log extends HTMLElement {
  #after = 0;
  #timer = 0;
  #busy = false;
  #list = el("ol", { className: "ob-log-lines", tabIndex: 0 });
  #note = el("p", { className: "page-sub", role: "status" }, t("observatory.log.none"));

  connectedCallback() {
    this.#list.setAttribute("aria-label", t("observatory.log.of", { agent: this.getAttribute("agent") }));
    this.replaceChildren(this.#note, this.#list);
    this.#ask();
    this.#timer = setInterval(() => this.#ask(), EVERY);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  async #ask() {
    if (document.hidden || this.#busy) return;
    this.#busy = true;
    try {
      const { lines } = await request(`agents/${urlPath(this.getAttribute("agent"))}/log?after=${this.#after}&limit=${MOST}`);
      for (const line of lines) this.#list.prepend(item(line));
      while (this.#list.children.length > MOST) this.#list.lastChild.remove();
      this.#after = lines.at(-1)?.number ?? this.#after;
      setText(this.#note, this.#list.children.length ? t("observatory.log.times", { zone: zoneName }) : t("observatory.log.none"));
    } catch (error) {
      setText(this.#note, error.message);
    } finally {
      this.#busy = false;
    }
  }
}

/** What a field or a level is called here; its own name where nobody has named it. */
function called(kind, name) {
  const key = kind === "field" ? `observatory.log.field.${name}` : `observatory.log.level.${name}`;
  const words = t(key);
  return words === key ? name : words;
}

function item({ t: time, level, event, fields }) {
  const more = Object.entries(fields).map(([name, value]) => `${called("field", name)}=${SAYS.has(name) ? inWords(String(value)) : value}`).join("  ");
  const words = eventInWords(event);
  const grade = GRAVE.has(level) ? "crit" : level === "warning" ? "warn" : "";
  return el("li", { className: "ob-log-line", dataset: grade ? { grade } : {} },
    el("time", { dateTime: time, title: `${formatDayTime(Date.parse(time), siteZone)} ${siteZone}` }, formatTime(Date.parse(time), siteZone)),
    el("span", { className: "ob-log-text" }, grade ? el("strong", {}, `${called("level", level)} `) : null, el("span", words === event ? { lang: "en" } : { title: event }, words), more ? el("span", { className: "page-sub mono" }, `  ${more}`) : null));
}

customElements.define("ob-log", Log);
