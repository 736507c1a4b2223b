/** `/`: find a tag or a page by a few letters, from anywhere. */

import { tags as allTags } from "../api.js";
import { el, icon } from "../dom.js";
import { t } from "../i18n.js";
import { best } from "../tags/search.js";
import { openFaceplate } from "./faceplate.js";

const SHOWN = 12;
const PAGES = ["mimic", "alarms", "logbook", "notices", "reports", "tags", "trend", "devices", "jobs", "help"];

/** Opens the palette. */
export function openPalette() {
  if (document.querySelector("dialog[open]")) return;
  const input = el("input", {
    className: "input", type: "search", placeholder: t("palette.placeholder"), "aria-label": t("palette.placeholder"),
    role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", autocomplete: "off", spellcheck: false,
  });
  const list = el("ul", { className: "palette-list", id: "palette-list", role: "listbox" });
  const dialog = el("dialog", { className: "dialog palette", "aria-label": t("palette.placeholder") },
    el("div", { className: "search" }, icon("search"), input), list);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  new Choices(input, list, dialog, allTags().catch(() => []));
}

class Choices {
  constructor(input, list, dialog, loading) {
    Object.assign(this, { input, list, dialog, loading, specs: [], items: [], at: 0 });
    input.addEventListener("input", () => this.update());
    input.addEventListener("keydown", (event) => this.#key(event));
    this.update();
    loading.then((specs) => {
      this.specs = specs;
      this.update();
    });
  }

  update() {
    const query = this.input.value;
    const pages = PAGES.map((page) => ({ text: t(`nav.${page}`), detail: t("palette.page"), go: () => location.assign(`/${page}`) }));
    const tags = query.trim() ? best(this.specs, query, SHOWN) : [];
    const found = tags.map((spec) => ({ text: spec.tag, detail: spec.description, go: () => openFaceplate(spec.tag) }));
    const wanted = query.trim().toLowerCase();
    this.items = [...pages.filter(({ text }) => text.toLowerCase().includes(wanted)), ...found];
    this.at = 0;
    this.list.replaceChildren(...this.items.map((item, i) => el("li", {
      role: "option", id: `palette-${i}`, className: "palette-item", on: { click: () => this.#choose(i) },
    }, el("span", {}, item.text), el("span", { className: "page-sub" }, item.detail ?? ""))));
    this.#mark();
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.items.length) {
      event.preventDefault();
      this.at = (this.at + step + this.items.length) % this.items.length;
      this.#mark();
    }
    if (event.key === "Enter") {
      event.preventDefault();
      this.loading.then(() => this.#choose(this.at));
    }
  }

  #mark() {
    [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === this.at)));
    if (this.items.length) this.input.setAttribute("aria-activedescendant", `palette-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  #choose(index) {
    const item = this.items[index];
    if (!item) return;
    this.dialog.close();
    item.go();
  }
}
