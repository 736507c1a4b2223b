/** A table of tags with live values that draws only the rows in sight: five thousand tags cost as much as fifty. */

import { request } from "../api.js";
import { bindings } from "../bindings.js";
import { el, setText } from "../dom.js";
import { formatAge } from "../format.js";
import { lang, t } from "../i18n.js";
import { live } from "../live.js";
import { look } from "../present.js";

const SPARE = 6;
const AGE_EVERY = 2000;
const NOT_SORTABLE = "age";
const COLUMNS = ["tag", "value", "quality", NOT_SORTABLE, "description"];

/** Fires "open" (detail: {tag, opener}), "copy" (detail: tag), "sort" (detail: column) and "select" (detail: Set of tags). */
export class TagTable extends EventTarget {
  /** @param {HTMLElement} place scrolls */
  constructor(place) {
    super();
    this.place = place;
    this.specs = [];
    this.selected = new Set();
    /** @type {Map<string, {row: HTMLElement, stop: () => void}>} */
    this.rows = new Map();
    this.above = el("tr", { "aria-hidden": "true" }, el("td", { className: "spacer" }));
    this.below = el("tr", { "aria-hidden": "true" }, el("td", { className: "spacer" }));
    this.body = el("tbody", {}, this.above, this.below);
    this.heads = COLUMNS.map((name) => this.#head(name));
    this.table = el("table", { className: "table tag-table" },
      el("caption", { className: "unseen" }, t("tags.title")),
      el("thead", {}, el("tr", {}, el("th", { className: "col-select" }, el("span", { className: "unseen" }, t("tags.select"))), ...this.heads)),
      this.body);
    place.replaceChildren(this.table);
    place.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(place);
    this.body.addEventListener("click", (event) => this.#click(event));
    this.body.addEventListener("auxclick", (event) => this.#copy(event));
    this.body.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    this.body.addEventListener("keydown", (event) => this.#move(event));
    setInterval(() => this.#ages(), AGE_EVERY);
  }

  /** Shows these tags in this order. */
  show(specs) {
    this.specs = specs;
    this.table.setAttribute("aria-rowcount", String(specs.length + 1));
    this.#draw();
  }

  /** Marks the column that orders the table. */
  markSort(column, direction) {
    COLUMNS.forEach((name, i) => {
      if (name === NOT_SORTABLE) return;
      const value = name === column ? (direction > 0 ? "ascending" : "descending") : "none";
      this.heads[i].setAttribute("aria-sort", value);
    });
  }

  #head(name) {
    if (name === NOT_SORTABLE) return el("th", { className: `col-${name}`, scope: "col" }, t(`tags.column_${name}`));
    const sort = el("button", { type: "button", className: "sort", on: {
      click: () => this.dispatchEvent(new CustomEvent("sort", { detail: name })),
    } }, t(`tags.column_${name}`));
    return el("th", { className: `col-${name}`, scope: "col", "aria-sort": "none" }, sort);
  }

  #soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.#draw();
    });
  }

  #draw() {
    const height = this.#rowHeight();
    const first = Math.max(0, Math.floor(this.place.scrollTop / height) - SPARE);
    const end = Math.min(this.specs.length, first + Math.ceil(this.place.clientHeight / height) + 2 * SPARE);
    const wanted = this.specs.slice(first, end);
    const kept = new Set(wanted.map((spec) => spec.tag));
    for (const [tag, { row, stop }] of this.rows) {
      if (kept.has(tag)) continue;
      stop();
      row.remove();
      this.rows.delete(tag);
    }
    let before = this.above;
    wanted.forEach((spec, i) => {
      const { row } = this.rows.get(spec.tag) ?? this.#newRow(spec);
      row.setAttribute("aria-rowindex", String(first + i + 2));
      if (before.nextSibling !== row) before.after(row);
      before = row;
    });
    this.above.firstChild.style.height = `${first * height}px`;
    this.below.firstChild.style.height = `${Math.max(0, this.specs.length - end) * height}px`;
  }

  #rowHeight() {
    const any = this.rows.values().next().value;
    return any?.row.offsetHeight || parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 36;
  }

  #newRow(spec) {
    const slash = spec.tag.lastIndexOf("/") + 1;
    const quality = el("span", { className: "quality" });
    const age = el("td", { className: "col-age number" });
    const check = el("input", { type: "checkbox", className: "check", checked: this.selected.has(spec.tag), "aria-label": t("tags.select_one", { tag: spec.tag }) });
    const row = el("tr", { dataset: { tag: spec.tag } },
      el("td", { className: "col-select" }, check),
      el("td", { className: "col-tag" }, el("button", { type: "button", className: "link-button tag-name" }, el("span", { className: "tag-device" }, spec.tag.slice(0, slash)), spec.tag.slice(slash))),
      el("td", { className: "col-value number" }, el("sr-value", { tag: spec.tag })),
      el("td", { className: "col-quality" }, quality), age,
      el("td", { className: "col-description" }, spec.description ?? ""));
    const entry = { row, age, stop: () => {} };
    entry.stop = bindings.bind(spec.tag, (state) => {
      const shown = look(state);
      quality.dataset.quality = shown.severity;
      setText(quality, shown.kind);
      quality.title = shown.reason;
    });
    this.rows.set(spec.tag, entry);
    this.#agesSoon();
    return entry;
  }

  #agesSoon() {
    clearTimeout(this.agesDue);
    this.agesDue = setTimeout(() => this.#ages(), 150);
  }

  /** Ages as the server knows them: a value that does not change is confirmed by scans that send nothing. */
  async #ages() {
    if (live.state !== "live" || document.hidden || !this.rows.size) return;
    const query = new URLSearchParams([...this.rows.keys()].map((tag) => ["tag", tag]));
    const answer = await request(`values?${query}`).catch(() => null);
    for (const { tag, age_s: seconds } of answer?.values ?? []) {
      const cell = this.rows.get(tag)?.age;
      if (cell) setText(cell, seconds === null ? "—" : formatAge(seconds, lang));
    }
  }

  #click(event) {
    const row = event.target.closest("tr[data-tag]");
    if (!row) return;
    const { tag } = row.dataset;
    if (event.target.matches("input")) {
      if (event.target.checked) this.selected.add(tag);
      else this.selected.delete(tag);
      this.dispatchEvent(new CustomEvent("select", { detail: this.selected }));
      return;
    }
    this.dispatchEvent(new CustomEvent("open", { detail: { tag, opener: row.querySelector(".tag-name") } }));
  }

  #copy(event) {
    const row = event.target.closest("tr[data-tag]");
    if (event.button === 1 && row) this.dispatchEvent(new CustomEvent("copy", { detail: row.dataset.tag }));
  }

  /** Arrows walk the rows, also past the ones in sight. */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("tr[data-tag]");
    if (!step || !row) return;
    event.preventDefault();
    const next = this.specs[this.specs.findIndex((spec) => spec.tag === row.dataset.tag) + step];
    this.rows.get(next?.tag)?.row.querySelector(".tag-name").focus();
  }
}
