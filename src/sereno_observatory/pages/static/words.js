/** `<ob-words tag="...">`: a value in the page's language where its words are known; `<ob-name tag="...">`: as it is; `<ob-flag tag="...">`: a mark while it is true. */

import { bindings, formatAge, lang, look, setAttribute, setLook, setText, severity, t } from "../../js/public.js";

/** What stands for itself in a text: what is quoted, paths, numbers. */
const GIVEN = /'[^']*'|[\w.*-]+(?:\/[\w.*-]+)+|(?<!\w)-?\d+(?:\.\d+)?/g;
/** Texts with something in them that may be anything. */
const AROUND = [
  [/^a fake of (?<who>.+)$/, "observatory.events.fake"],
  [/^(?:low|nothing|not_done|no_answer|book|parked): (?<why>.+)$/, "observatory.says.as_it_is"], // kinds of errors
  [/^(?<why>.+) \([\w/]+\/[\w/]+\)$/, "observatory.says.as_it_is"], // and whose
  [/^interlock .+ is not met: (?<why>.+)$/, "observatory.says.interlock_not_met"],
  [/^interlock .+ cannot be judged: (?<why>.+)$/, "observatory.says.interlock_in_doubt"],
];
/** How what stands between the parts of a text is written here. */
const MARKS = lang === "fr" ? { "; ": "\u00a0; ", ": ": "\u00a0: ", ", ": ", " } : { "; ": "; ", ": ": ": ", ", ": ", " };

/** What agents and devices say, in the page's language; what nobody has translated as they say it. */
export function inWords(text) {
  return said(text) ?? text;
}

/** What an agent's log calls something that happened; as it is written where nobody has translated it. */
export function eventInWords(event) {
  return found("observatory.event.", event) ?? event;
}

/** The translation of a text, or of those of its parts that have one; null where none has. */
function said(text) {
  for (const [form, key] of AROUND) {
    const around = form.exec(text)?.groups;
    if (around) return t(key, Object.fromEntries(Object.entries(around).map(([name, part]) => [name, inWords(part)])));
  }
  return asAWhole(text) ?? inParts(text);
}

function asAWhole(text) {
  const given = { n: 0, p: 0 };
  const parameters = {};
  const bare = text.replace(GIVEN, (one) => {
    const kind = /^-?[\d.]+$/.test(one) ? "n" : "p";
    parameters[`${kind}${given[kind]++}`] = one.replace(/^'(.*)'$/, "$1");
    return kind === "n" ? " " : " x ";
  });
  return found("observatory.says.", bare, parameters);
}

function inParts(text) {
  const [before, mark] = /^.*?(; )/.exec(text) ?? /^.*?(: |, )/.exec(text) ?? [];
  if (!mark) return null;
  const parts = [before.slice(0, -mark.length), text.slice(before.length)];
  const order = mark === ": " ? found("observatory.order.", parts[0]) : null;
  const told = [order ?? said(parts[0]), said(parts[1])];
  return told.every((one) => one === null) ? null : told.map((one, i) => one ?? parts[i]).join(MARKS[mark]);
}

function found(family, text, parameters = {}) {
  const key = family + text.toLowerCase().replace(/[^a-z]+/g, "_").replace(/^_|_$/g, "");
  const words = t(key, parameters);
  return words === key ? null : words;
}

/** An element that shows the value of its attribute `tag`: `paint` gets each state. */
export class TagElement extends HTMLElement {
  #unbind = () => {};

  connectedCallback() {
    this.#unbind();
    const tag = this.getAttribute("tag");
    if (tag) this.#unbind = bindings.bind(tag, (state) => this.paint(state));
  }

  disconnectedCallback() {
    this.#unbind();
  }
}

class Words extends TagElement {
  paint(state) {
    const { text, classes, reason, spoken } = look(state);
    setText(this, text === "" ? "–" : /^[-\u2212\d.,\s]+$/.test(text) ? "" : inWords(text)); // a plain number stands in the value beside it
    setLook(this, classes);
    setAttribute(this, "title", reason ? spoken : null);
  }
}

/** A name that somebody gave: as it is, whatever language it is in. */
class Name extends TagElement {
  paint(state) {
    const { text, classes, reason, spoken } = look(state);
    setText(this, text || "–");
    setLook(this, classes);
    setAttribute(this, "title", reason ? spoken : null);
  }
}

/** Says its words (attribute `says`) while the value is true, and that it is not known when it is not good. */
class Flag extends TagElement {
  paint(state) {
    const good = severity(state.quality) === "good" && !state.unknown && state.value !== null;
    const on = good && Boolean(state.value);
    setText(this, on ? `▲ ${this.getAttribute("says")}` : good ? "" : "?");
    this.hidden = good && !on;
    this.className = on ? "chip chip-warn" : "chip is-bad";
    setAttribute(this, "title", look(state).spoken);
  }
}

customElements.define("ob-words", Words);
customElements.define("ob-name", Name);
customElements.define("ob-flag", Flag);

/** `<ob-age tag="...">`: seconds as people tell them, 8 min 15 s. */
class Age extends TagElement {
  paint(state) {
    const { text, unit, classes, reason, spoken } = look(state);
    const known = typeof state.value === "number" && severity(state.quality) !== "bad" && !state.unknown;
    setText(this, known ? (state.value < 60 ? `${text} ${unit}` : formatAge(state.value, lang)) : text);
    setLook(this, classes);
    setAttribute(this, "title", reason ? spoken : null);
  }
}

customElements.define("ob-age", Age);

/** `<ob-progress tag="...">`: a percentage as a bar. */
class Progress extends TagElement {
  #bar = Object.assign(document.createElement("progress"), { max: 100 });

  paint(state) {
    if (!this.#bar.isConnected) this.append(this.#bar);
    const known = severity(state.quality) === "good" && typeof state.value === "number";
    this.#bar.value = known ? state.value : 0;
    setAttribute(this.#bar, "aria-label", look(state).spoken);
  }
}

customElements.define("ob-progress", Progress);
