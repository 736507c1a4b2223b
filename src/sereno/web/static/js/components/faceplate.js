/** The faceplate: everything about one tag in a drawer beside the page. One for the whole page, opened by `openFaceplate`. */

import { request } from "../api.js";
import { bindings } from "../bindings.js";
import { el, icon, setText } from "../dom.js";
import { formatAge, formatNumber, formatUnit, formatValue, decimalsOf, isNumeric } from "../format.js";
import { lang, t } from "../i18n.js";
import { live } from "../live.js";
import { Notes } from "../logbook/notes.js";
import { look, setLook, siteTime } from "../present.js";
import { severity } from "../quality.js";
import { isDrawable } from "../trend/model.js";
import { withTag } from "../trend/memory.js";
import { onWaiting } from "../waiting.js";
import { copyText } from "./clipboard.js";
import { gauge, hasGauge } from "./gauge.js";
import { MiniTrend } from "./minitrend.js";
import { OverrideNote } from "./override.js";
import { SetpointForm } from "./setpoint.js";
import { WaitingNote } from "./waiting.js";

const AGE_EVERY = 1000;
const LIMITS = ["hihi", "hi", "lo", "lolo"];

class Faceplate {
  constructor(drawer) {
    this.drawer = drawer;
    this.mayWrite = document.documentElement.dataset.mayWrite === "true";
    this.opener = null;
    this.parts = null;
    drawer.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /**
   * @param {string} tag
   * @param {{opener?: Element | null, write?: boolean}} options
   */
  open(tag, { opener = document.activeElement, write = false }) {
    if (!this.drawer.contains(opener)) this.opener = opener;
    this.#clear();
    this.tag = tag;
    this.built = false;
    this.wantsWrite = write;
    this.drawer.replaceChildren(this.#head(tag), el("p", { className: "page-sub" }, t("quality.waiting")));
    this.drawer.hidden = false;
    this.drawer.querySelector("#faceplate-title").focus();
    requestAnimationFrame(() => this.opener?.scrollIntoView?.({ block: "nearest", inline: "nearest" }));
    this.unbind = bindings.bind(tag, (state) => this.#paint(state));
    this.timer = setInterval(() => this.#age(), AGE_EVERY);
    document.dispatchEvent(new CustomEvent("faceplate", { detail: tag }));
  }

  close() {
    if (this.drawer.hidden) return;
    this.#clear();
    this.drawer.hidden = true;
    this.drawer.replaceChildren();
    document.dispatchEvent(new CustomEvent("faceplate", { detail: null }));
    if (this.opener?.isConnected) this.opener.focus();
    else document.getElementById("main")?.focus();
  }

  #clear() {
    this.unbind?.();
    clearInterval(this.timer);
    this.parts?.form?.close();
    this.parts?.trend?.close();
    this.parts?.override.close();
    this.parts?.waiting.close();
    this.parts = null;
  }

  #head(tag) {
    const name = tag.split("/").at(-1);
    return el("header", { className: "drawer-head" },
      el("div", {},
        el("h2", { id: "faceplate-title", tabIndex: -1 }, name),
        el("button", { type: "button", className: "link-button mono page-sub", title: t("copy_path"), on: { click: () => copyText(tag) } }, tag)),
      el("button", { type: "button", className: "button button-quiet button-icon", "aria-label": t("close"), on: { click: () => this.close() } }, icon("close")));
  }

  #build(state) {
    const { spec } = state;
    const value = el("div", { className: "faceplate-value" },
      el("span", { className: "value-mark", "aria-hidden": "true" }), el("span", { className: "value-text" }), el("span", { className: "value-unit" }));
    const pointer = hasGauge(spec) ? gauge(spec) : null;
    const quality = el("span", { className: "quality" });
    const [time, age, reason] = [el("dd"), el("dd"), el("dd")];
    const reasonTerm = el("dt", {}, t("tag.reason"));
    const facts = el("dl", { className: "facts" },
      el("dt", {}, t("tag.quality")), el("dd", {}, quality), reasonTerm, reason,
      el("dt", {}, t("tag.source_time")), time, el("dt", {}, t("tag.age")), age, ...this.#declared(spec));
    const form = this.#form(spec);
    const override = new OverrideNote(spec, () => bindings.state(spec.tag));
    const waiting = new WaitingNote(spec, onWaiting);
    const trend = isDrawable(spec) ? new MiniTrend(spec.tag) : null;
    this.parts = { value, pointer, quality, time, age, reason, reasonTerm, form, trend, override, waiting };
    this.drawer.replaceChildren(...[this.#head(spec.tag), spec.description ? el("p", { className: "page-sub" }, spec.description) : null,
      el("div", { className: "faceplate-now" }, value, pointer?.element ?? null), override.element, waiting.element, this.#writePart(spec, form),
      trend?.element ?? null, facts, new Notes(spec.tag).element, this.#actions(spec)].filter(Boolean));
    trend?.start();
    this.built = true;
    this.drawer.querySelector("#faceplate-title").focus();
    if (this.wantsWrite) form?.focus();
    this.#age();
  }

  #form(spec) {
    const writable = spec.access !== "read" && !spec.shape?.length;
    return writable && this.mayWrite ? new SetpointForm(spec, () => bindings.state(spec.tag)) : null;
  }

  #writePart(spec, form) {
    if (form) return form.element;
    return spec.access === "read" ? null : el("p", { className: "field-hint" }, t(spec.shape?.length ? "setpoint.array" : "setpoint.no_right"));
  }

  #declared(spec) {
    const rows = [];
    const row = (key, text) => rows.push(el("dt", {}, t(key)), el("dd", {}, text));
    const number = (value) => `${formatNumber(value, decimalsOf(spec), lang)} ${formatUnit(spec.unit)}`.trim();
    if (isNumeric(spec) && spec.low != null && spec.high != null) row("tag.range", `${number(spec.low)} … ${number(spec.high)}`);
    for (const name of LIMITS) if (isNumeric(spec) && spec.limits?.[name] != null) row(`limit.${name}`, number(spec.limits[name]));
    row("tag.type", spec.type);
    row("tag.access", t(`access.${spec.access ?? "read"}`));
    return rows;
  }

  #actions(spec) {
    const device = spec.tag.split("/").slice(0, -1).join("/");
    const links = [el("a", { className: "button", href: `/devices/${device}` }, icon("devices"), t("faceplate.device"))];
    if (isDrawable(spec)) links.unshift(el("a", { className: "button", href: withTag(spec.tag) }, icon("trend"), t("faceplate.trend")));
    return el("div", { className: "faceplate-actions" }, ...links);
  }

  #paint(state) {
    if (!state.spec) {
      const shown = look(state);
      setText(this.drawer.lastElementChild, shown.reason);
      return;
    }
    if (!this.built) this.#build(state);
    const { value, pointer, quality, time, reason, reasonTerm } = this.parts;
    const shown = look(state);
    const [mark, text, unit] = value.children;
    setText(mark, shown.mark);
    setText(text, shown.text);
    setText(unit, shown.unit);
    value.classList.toggle("is-long", shown.text.length > 14);
    setLook(value, shown.classes);
    setLook(this.drawer, shown.classes);
    pointer?.paint(state.value);
    quality.dataset.quality = shown.severity;
    setText(quality, shown.severity === "good" ? shown.kind : t(`quality.${shown.severity}`));
    setText(time, siteTime(state.t));
    setText(reason, shown.reason);
    reason.hidden = !shown.reason;
    reasonTerm.hidden = !shown.reason;
  }

  /** Age and reason as the server knows them: a value that does not change is confirmed by scans that send nothing. */
  async #age() {
    if (!this.parts || live.state !== "live" || document.hidden) return;
    const { age, reason } = this.parts;
    const tag = this.tag;
    const answer = await request(`values?${new URLSearchParams({ tag })}`).catch(() => null);
    const found = answer?.values?.find((value) => value.tag === tag);
    if (!found || tag !== this.tag) return;
    setText(age, found.age_s == null ? "—" : formatAge(found.age_s, lang));
    const state = bindings.state(tag);
    if (found.reason && state && severity(state.quality) !== "good") setText(reason, found.reason);
  }
}

/** @type {Faceplate | null} */
let faceplate = null;

function thePlate() {
  const drawer = document.getElementById("faceplate");
  if (drawer && !faceplate) faceplate = new Faceplate(drawer);
  return faceplate;
}

/**
 * Opens the faceplate of a tag; `write` puts the focus on its set-point. On closing, the focus goes back to `opener`.
 * @param {string} tag
 * @param {{opener?: Element | null, write?: boolean}} [options]
 */
export function openFaceplate(tag, options = {}) {
  thePlate()?.open(tag, options);
}

/** Closes the faceplate if it is open. */
export function closeFaceplate() {
  faceplate?.close();
}
