/** `<ob-words tag="...">`: a value in the page's language where its words are known; `<ob-flag tag="...">`: a mark while it is true. */

import { bindings, look, setAttribute, setLook, setText, severity, t } from "../../js/public.js";

const FAKE = "a fake of ";

/** What agents and devices say, in the page's language; as they say it where nobody has translated it. */
export function inWords(text) {
  if (text.startsWith(FAKE)) return t("observatory.events.fake", { who: text.slice(FAKE.length) });
  const key = `observatory.says.${text.toLowerCase().replace(/[^a-z]+/g, "_").replace(/^_|_$/g, "")}`;
  const found = t(key);
  return found === key ? text : found;
}

class TagElement extends HTMLElement {
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
    setText(this, /^[-\u2212\d.,\s]+$/.test(text) ? "" : inWords(text)); // a plain number stands in the value beside it
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
customElements.define("ob-flag", Flag);

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
