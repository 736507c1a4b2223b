/** The set-point part of a faceplate: entry, confirmation, and what became of the command. Never optimistic. */

import { write } from "../commands.js";
import { el, setText } from "../dom.js";
import { formatUnit, formatValue, labelOf } from "../format.js";
import { lang, t } from "../i18n.js";
import { live } from "../live.js";
import { severity } from "../quality.js";
import { showAcks } from "./acks.js";
import { confirmWrite } from "./confirm.js";
import { editor, rangeText } from "./editor.js";

/** @typedef {import("./editor.js").Entry} Entry */

export class SetpointForm {
  /**
   * @param {import("../format.js").TagSpec} spec
   * @param {() => import("../bindings.js").TagState | undefined} present
   */
  constructor(spec, present) {
    this.spec = spec;
    this.present = present;
    /** @type {Entry} */
    this.entry = { value: undefined, text: "", error: "" };
    this.busy = false;
    this.hint = el("p", { className: "field-hint", id: "editor-hint", "aria-live": "polite" });
    this.button = el("button", { type: "submit", className: "button button-main", disabled: true }, t("setpoint.set"));
    this.acks = el("ol", { className: "acks", "aria-live": "polite", "aria-label": t("command.title") });
    this.place = el("div", { className: "editor-row" });
    this.element = el("form", { className: "setpoint", on: { submit: (event) => this.#submit(event) } },
      el("label", { className: "field-label", for: "editor" }, t("setpoint.new")), this.place, this.hint, this.acks);
    this.onState = () => this.#refresh();
    live.addEventListener("state", this.onState);
    this.#reset();
  }

  close() {
    live.removeEventListener("state", this.onState);
  }

  focus() {
    this.place.querySelector("input, select, button")?.focus();
  }

  #reset() {
    this.entry = { value: undefined, text: "", error: "" };
    const field = editor(this.spec, this.present()?.value ?? null, (entry) => {
      this.entry = entry;
      this.#refresh();
    });
    this.place.replaceChildren(field, this.button);
    this.#refresh();
  }

  #refresh() {
    const { value, text, error } = this.entry;
    const down = live.state !== "live";
    this.button.disabled = value === undefined || this.busy || down;
    const range = rangeText(this.spec);
    const idle = range ? t("setpoint.range", { range }) : "";
    setText(this.hint, down ? t("setpoint.disconnected") : error || (text ? `= ${text}` : idle));
    this.hint.classList.toggle("field-error", Boolean(error) || down);
    this.place.querySelector("input")?.setAttribute("aria-invalid", String(Boolean(error)));
  }

  async #submit(event) {
    event.preventDefault();
    if (this.button.disabled) return;
    const { value, text } = this.entry;
    const state = this.present();
    const expected = expectedOf(this.spec, state);
    const answer = await confirmWrite({
      tag: this.spec.tag, description: this.spec.description ?? "", before: this.#shown(state), after: text,
    });
    if (answer && live.state === "live") await this.#send(value, expected, answer.comment);
    this.focus();
  }

  async #send(value, expected, comment) {
    this.busy = true;
    this.#refresh();
    showAcks(this.acks, [], this.spec, true);
    const final = await write({ target: this.spec.tag, value, expected, comment }, (acks) => showAcks(this.acks, acks, this.spec, true));
    const rows = [...this.acks.querySelectorAll("[data-state=waiting]")];
    for (const row of rows) row.remove();
    this.busy = false;
    if (final.state === "done") this.#reset();
    else this.#refresh();
  }

  #shown(state) {
    if (!state || state.value === null) return "—";
    return `${formatValue(this.spec, state.value, lang, t)} ${formatUnit(this.spec.unit)}`.trim();
  }
}

/**
 * The old value that goes with the command, so that it is refused if somebody else was quicker; undefined if not known for sure.
 * @param {import("../format.js").TagSpec} spec
 * @param {import("../bindings.js").TagState | undefined} state
 */
export function expectedOf(spec, state) {
  if (!state || state.value === null || severity(state.quality) !== "good" || spec.access === "write") return undefined;
  return spec.type === "enum" ? (labelOf(spec, state.value) ?? state.value) : state.value;
}
