/** A command that waits for people: what it would change, for whom it waits, and the buttons of who looks at it. */

import { el, setText } from "../dom.js";
import { formatUnit, formatValue } from "../format.js";
import { lang, t } from "../i18n.js";
import { live } from "../live.js";
import { siteTime } from "../present.js";
import { say } from "../waiting.js";
import { toast } from "./toast.js";

const TICK = 1000;

/** @param {import("../format.js").TagSpec | undefined} spec */
function shown(spec, value) {
  if (value === null || value === undefined) return "—";
  if (!spec) return typeof value === "string" ? value : JSON.stringify(value);
  return `${formatValue(spec, codeOf(spec, value), lang, t)} ${formatUnit(spec.unit)}`.trim();
}

function codeOf(spec, value) {
  const code = typeof value === "string" ? (spec.labels ?? []).indexOf(value) : -1;
  return spec.type === "enum" && code >= 0 ? code : value;
}

/** Old and new, side by side; of a command of a device how it is called. */
export function changeOf(one, spec) {
  if (one.verb === "call") return el("p", { className: "change" }, el("code", { className: "change-after" }, callOf(one)));
  return el("p", { className: "change" },
    el("span", { className: "change-before" }, el("span", { className: "field-label" }, t("confirm.before")), shown(spec, one.old)),
    el("span", { className: "change-arrow", "aria-hidden": "true" }, "→"),
    el("span", { className: "change-after" }, el("span", { className: "field-label" }, t("confirm.after")), shown(spec, one.value)));
}

function callOf(one) {
  return `${one.name}(${one.arguments.map((argument) => JSON.stringify(argument)).join(", ")})`;
}

/** Whom it waits for, in words. */
export function waitsFor(one) {
  if (one.waits_for === "approval") return t("waiting.for_approval");
  return one.may.includes("execute") ? t("waiting.for_you") : t("waiting.for_actor", { actor: one.actor });
}

/** Who asked for it and why; who agreed. */
export function aboutOf(one) {
  const since = t("waiting.by", { actor: one.actor, time: siteTime(Date.parse(one.since)) });
  return el("p", { className: "page-sub" }, since, one.comment ? ` “${one.comment}”` : null,
    one.approved_by ? ` ${t("waiting.approved_by", { actor: one.approved_by })}` : null);
}

/** The time that is left, counted down by itself as long as it is on the page. */
export function countdown(one) {
  const place = el("span", { className: "countdown", role: "timer" });
  const show = () => {
    const left = Math.max(0, Math.round((Date.parse(one.until) - live.serverNow()) / 1000));
    setText(place, t("waiting.left", { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` }));
  };
  const timer = setInterval(() => (place.isConnected ? show() : clearInterval(timer)), TICK);
  show();
  return place;
}

/** Buttons for what may be done about it; the one that lets it go on comes last. */
export function buttonsOf(one, spec) {
  const order = ["cancel", "decline", "approve", "execute"].filter((act) => one.may.includes(act));
  return el("div", { className: "dialog-actions" }, ...order.map((act) => el("button", {
    type: "button", className: act === "approve" || act === "execute" ? "button button-main" : "button", dataset: { say: act },
    on: { click: (event) => doIt(event.currentTarget, one, act, spec) },
  }, label(one, act))));
}

function label(one, act) {
  const asks = act === "approve" || act === "decline" || (act === "execute" && one.sign.length);
  return `${t(one.sign.length && act === "execute" ? "waiting.sign_execute" : `waiting.${act}`)}${asks ? "…" : ""}`;
}

async function doIt(button, one, act, spec) {
  const signs = one.sign.length && (act === "approve" || act === "execute");
  if (signs || act === "approve" || act === "decline") return askSay(one, act, spec);
  button.disabled = true;
  await say(one.key, act).catch((problem) => toast(problem.message));
  button.disabled = false;
}

/** Shows what is agreed to and asks for what goes with it; an error stays in the dialog. */
function askSay(one, act, spec) {
  const signs = one.sign.length > 0 && act !== "decline";
  const fields = {};
  const parts = [];
  if (signs) {
    fields.meaning = el("select", { className: "input", id: "say-meaning" }, ...one.sign.map((word) => el("option", { value: word }, word)));
    fields.password = el("input", { className: "input", id: "say-password", type: "password", autocomplete: "current-password", required: true });
    parts.push(row("say-meaning", t("waiting.meaning"), fields.meaning), row("say-password", t("waiting.password"), fields.password));
  }
  if (act !== "execute") {
    const name = act === "decline" ? "reason" : "comment";
    fields[name] = el("input", { className: "input", id: `say-${name}`, maxLength: 500, autocomplete: "off", required: act === "decline" });
    parts.unshift(row(`say-${name}`, t(act === "decline" ? "waiting.reason" : "confirm.comment"), fields[name]));
  }
  const error = el("p", { className: "field-hint field-error", role: "alert" });
  const send = el("button", { type: "submit", className: "button button-main", id: "say-send" }, label(one, act).replace("…", ""));
  const submit = async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await say(one.key, act, Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value])));
      dialog.close();
    } catch (problem) {
      setText(error, problem.message);
      if (fields.password) fields.password.value = "";
      (fields.password ?? send).focus();
    }
    send.disabled = false;
  };
  const form = el("form", { className: "dialog-body", on: { submit } },
    el("h2", { id: "say-title" }, t(`waiting.${act}_title`)),
    el("div", {}, el("p", {}, spec?.description || null), el("p", { className: "mono page-sub" }, one.target)),
    changeOf(one, spec), aboutOf(one), ...parts, signs ? el("p", { className: "page-sub" }, t("waiting.signature_note")) : null, error,
    el("div", { className: "dialog-actions" },
      el("button", { type: "button", className: "button", on: { click: () => dialog.close() } }, t("confirm.cancel")), send));
  const dialog = el("dialog", { className: "dialog", "aria-labelledby": "say-title" }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (fields.password ?? fields.reason ?? send).focus();
}

function row(id, text, field) {
  return el("label", { className: "field", for: id }, el("span", { className: "field-label" }, text), field);
}

/** The part of a faceplate that says what waits for people about its tag. */
export class WaitingNote {
  /** @param {import("../format.js").TagSpec} spec @param {(listener: Function) => () => void} watch */
  constructor(spec, watch) {
    this.element = el("div", { className: "faceplate-waiting", "aria-live": "polite" });
    this.shown = "";
    this.close = watch((commands) => this.#show(commands.filter((one) => one.target === spec.tag), spec));
  }

  #show(mine, spec) {
    const now = JSON.stringify(mine);
    if (now === this.shown) return;
    this.shown = now;
    this.element.replaceChildren(...mine.map((one) => el("section", { className: "note waiting", dataset: { key: one.key } },
      el("p", { className: "waiting-head" }, el("strong", {}, waitsFor(one)), countdown(one)),
      changeOf(one, spec), aboutOf(one), buttonsOf(one, spec))));
  }
}
