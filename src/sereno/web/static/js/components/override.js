/** Asking for a substituted value or for maintenance: value, reason, duration; and saying what is in force. */

import { el, setText } from "../dom.js";
import { formatUnit, formatValue } from "../format.js";
import { lang, t } from "../i18n.js";
import { endSubstitution, maintenance, rights, substitute, substitutions, tagOut } from "../overrides.js";
import { siteTime } from "../present.js";
import { editor } from "./editor.js";
import { toast } from "./toast.js";

const HOURS = [0.5, 2, 8, 24, 168];
const EVERY = 3000;

/**
 * Asks for reason and duration, and for a value if there is a `spec`. `act` does it; its error stays in the dialog.
 * @param {{title: string, subject: string, spec?: any, present?: any, endless?: boolean, act: (wish: any) => Promise<any>}} question
 * @returns {Promise<boolean>} whether it was done
 */
export function askOverride({ title, subject, spec = null, present = null, endless = false, act }) {
  return new Promise((resolve) => {
    let value;
    const reason = el("input", { className: "input", id: "override-reason", maxLength: 500, required: true, autocomplete: "off" });
    const choices = HOURS.map((hours) => el("option", { value: String(hours * 3600) }, t("override.hours", { hours: hours.toLocaleString(lang) })));
    if (endless) choices.unshift(el("option", { value: "0" }, t("override.by_hand")));
    const duration = el("select", { className: "input", id: "override-duration" }, ...choices);
    const error = el("p", { className: "field-hint field-error", role: "alert" });
    const parts = [];
    if (spec) {
      const field = editor({ ...spec, low: null, high: null, setpoint: null }, present, (entry) => {
        value = entry.value;
        setText(error, entry.error);
      });
      field.id = "override-value";
      field.removeAttribute("aria-describedby");
      parts.push(row("override-value", `${t("override.value")}${spec.unit ? ` (${formatUnit(spec.unit)})` : ""}`, field));
    }
    const submit = async (event) => {
      event.preventDefault();
      if (spec && value === undefined) return setText(error, error.textContent || t("override.no_value"));
      try {
        await act({ value, reason: reason.value.trim(), seconds: Number(duration.value) });
        dialog.close("done");
      } catch (problem) {
        setText(error, problem.message);
      }
    };
    const form = el("form", { className: "dialog-body", on: { submit } },
      el("h2", { id: "override-title" }, title), el("p", { className: "mono page-sub" }, subject), ...parts,
      row("override-reason", t("override.reason"), reason), row("override-duration", t("override.duration"), duration), error,
      el("div", { className: "dialog-actions" },
        el("button", { type: "button", className: "button", on: { click: () => dialog.close() } }, t("confirm.cancel")),
        el("button", { type: "submit", className: "button button-main", id: "override-send" }, title)));
    const dialog = el("dialog", { className: "dialog", "aria-labelledby": "override-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "done");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function row(id, label, field) {
  return el("label", { className: "field", for: id }, el("span", { className: "field-label" }, label), field);
}

/** Who put an override there, until when and why. */
export function overrideText(override) {
  const until = override.expires ? t("override.until", { time: siteTime(Date.parse(override.expires)) }) : t("override.by_hand");
  return `${override.reason} (${override.actor}, ${until})`;
}

/** Does it and says so when it fails. */
export async function attempt(act) {
  try {
    await act();
  } catch (problem) {
    toast(problem.message);
  }
}

/** The button that tags a device out. */
export function askTagOut(device) {
  return askOverride({ title: t("override.out"), subject: device, endless: true, act: (wish) => tagOut({ device, ...wish }) });
}

/** The part of a faceplate that says what is overridden, and starts or ends a substitution. */
export class OverrideNote {
  /** @param {any} spec @param {() => any} present */
  constructor(spec, present) {
    this.spec = spec;
    this.present = present;
    this.element = el("div", { className: "faceplate-override" });
    this.shown = "";
    this.timer = setInterval(() => this.refresh(), EVERY);
    this.refresh();
  }

  close() {
    clearInterval(this.timer);
  }

  async refresh() {
    if (document.hidden) return;
    const [allowed, forced, out] = await Promise.all([rights(), substitutions(), maintenance()]).catch(() => []);
    if (!allowed) return;
    const mine = forced.find((one) => one.path === this.spec.tag);
    const device = out.find((one) => `${this.spec.tag}/`.startsWith(`${one.path}/`));
    const now = JSON.stringify([mine?.since, mine?.own.value, device?.since]);
    if (now === this.shown) return;
    this.shown = now;
    this.element.replaceChildren(...[device ? this.#out(device) : null, mine ? this.#forced(mine) : null, this.#button(allowed, mine)].filter(Boolean));
  }

  #out(device) {
    return el("p", { className: "note" }, el("strong", {}, t("override.is_out")), ` ${overrideText(device)}`);
  }

  #forced(mine) {
    const own = mine.own.value === null ? "—" : `${formatValue(this.spec, mine.own.value, lang, t)} ${formatUnit(this.spec.unit)}`.trim();
    return el("p", { className: "note" }, el("strong", {}, t("override.is_substituted")), ` ${overrideText(mine)} `, t("override.own", { value: own }));
  }

  #button(allowed, mine) {
    if (!allowed.has("substitute") || this.spec.shape?.length || this.spec.access === "write") return null;
    const tag = this.spec.tag;
    const end = () => attempt(() => endSubstitution(tag)).then(() => this.refresh());
    const begin = () => askOverride({
      title: t("override.substitute"), subject: tag, spec: this.spec, present: this.present()?.value ?? null,
      act: (wish) => substitute({ tag, ...wish }),
    }).then(() => this.refresh());
    return el("button", { type: "button", className: "button", dataset: { override: mine ? "end" : "begin" }, on: { click: mine ? end : begin } },
      t(mine ? "override.end" : "override.substitute"));
  }
}
