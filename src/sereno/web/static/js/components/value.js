/** `<sr-value tag="area/device/name">`: the live value with unit, quality and limits. `no-unit` leaves the unit out. */

import { bindings } from "../bindings.js";
import { el, setAttribute, setText } from "../dom.js";
import { look, setLook } from "../present.js";

export class ValueElement extends HTMLElement {
  static observedAttributes = ["tag"];

  #unbind = () => {};
  #text = el("span", { className: "value-text" }, "—");
  #unit = el("span", { className: "value-unit" });
  #mark = el("span", { className: "value-mark", "aria-hidden": "true" });
  #words = el("span", { className: "unseen" });

  connectedCallback() {
    if (!this.#text.isConnected) this.replaceChildren(this.#mark, this.#text, this.#unit, this.#words);
    this.#bind();
  }

  disconnectedCallback() {
    this.#unbind();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#bind();
  }

  #bind() {
    this.#unbind();
    const tag = this.getAttribute("tag");
    this.#unbind = tag ? bindings.bind(tag, (state) => this.paint(state)) : () => {};
  }

  /** @param {import("../bindings.js").TagState} state */
  paint(state) {
    const { text, unit, mark, classes, reason, spoken } = look(state);
    setText(this.#text, text);
    setText(this.#unit, this.hasAttribute("no-unit") ? "" : unit);
    setText(this.#mark, mark);
    setText(this.#words, reason ? ` (${reason})` : "");
    setLook(this, classes);
    setAttribute(this, "title", reason || mark ? spoken : null);
  }
}

customElements.define("sr-value", ValueElement);
