/** Notes of the logbook on one alarm, tag or device: to read, and to add one. */

import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { rights } from "../overrides.js";
import { siteTime } from "../present.js";
import { add, entries } from "./entries.js";

const SHOWN = 20;

export class Notes {
  /** @param {string} subject */
  constructor(subject) {
    this.subject = subject;
    this.list = el("ul", { className: "notes-list" });
    this.title = el("summary", {}, t("logbook.notes"));
    this.error = el("p", { className: "field-hint field-error", role: "alert" });
    this.element = el("details", { className: "notes" }, this.title, this.list);
    this.#load();
    rights().then((allowed) => allowed.has("acknowledge") && this.element.append(this.#form()));
  }

  async #load() {
    try {
      const found = (await entries({ subject: this.subject, limit: SHOWN })).entries;
      setText(this.title, `${t("logbook.notes")} (${found.length})`);
      if (found.length) this.element.open = true;
      this.list.replaceChildren(...found.map((one) => el("li", {}, one.text, " ", el("span", { className: "page-sub" }, `${one.actor}, ${siteTime(Date.parse(one.t))}`))));
    } catch (problem) {
      setText(this.error, problem.message);
    }
  }

  #form() {
    const text = el("input", { className: "input", maxLength: 4000, required: true, autocomplete: "off", "aria-label": t("logbook.note") });
    const submit = async (event) => {
      event.preventDefault();
      try {
        await add({ text: text.value, subject: this.subject });
        text.value = "";
        setText(this.error, "");
        await this.#load();
      } catch (problem) {
        setText(this.error, problem.message);
      }
    };
    return el("form", { className: "notes-form", on: { submit } }, text, el("button", { type: "submit", className: "button" }, t("logbook.add_note")), this.error);
  }
}
