/** An image in a canvas: stretch, zoom, pan. It is asked for in parts that fit the screen, however large it is. */

const HEAD = 12;
const SETTLE = 120;
const CLOSEST = 32;
/** Canvas pixels that a pointer may move within a click. */
const CLICK = 4;

/** How levels (0 to 1 of the image's range) become grey, between the levels `low` and `high`. */
const CURVES = {
  linear: (x) => x,
  percentile: (x) => x,
  zscale: (x) => x,
  asinh: (x, deep) => Math.asinh(x * deep) / Math.asinh(deep),
};

/** Pixels of an answer: how many were put together, and levels of 16 bits by rows. */
export function decodePixels(buffer) {
  const [width, height, bins] = new Uint32Array(buffer, 0, 3);
  return { width, height, bins, levels: new Uint16Array(buffer, HEAD) };
}

/**
 * Where grey begins and ends, as levels of 16 bits.
 * @param {"linear" | "percentile" | "zscale" | "asinh"} stretch
 * @param {{statistics: any, percentiles: Record<string, number>, zscale: [number, number]}} facts
 * @returns {[number, number]}
 */
export function cuts(stretch, { statistics, percentiles, zscale }) {
  if (stretch === "linear") return [0, 65535];
  const span = statistics.high - statistics.low || 1;
  const level = (value) => ((value - statistics.low) / span) * 65535;
  const [low, high] = { percentile: [percentiles["1"], percentiles["99.5"]], zscale, asinh: [zscale[0], Math.max(zscale[1], percentiles["99.9"])] }[stretch];
  return [level(low), Math.max(level(high), level(low) + 1)];
}

/** How far the bright end is pressed together by asinh: the sky stays dark grey, whatever the stars are. */
function depth({ zscale, percentiles }) {
  const sky = zscale[1] - zscale[0];
  return sky > 0 ? Math.min(1000, Math.max(1, (percentiles["99.9"] - zscale[0]) / sky)) : 50;
}

/** A table from level to grey. */
export function greys(stretch, facts, invert) {
  const [low, high] = cuts(stretch, facts);
  const table = new Uint8Array(65536);
  const { low: least, high: greatest, saturated } = facts.statistics;
  if (least === greatest) return table.fill(saturated && !invert ? 255 : saturated ? 0 : 128);
  const deep = depth(facts);
  for (let i = 0; i < 65536; i++) {
    const x = CURVES[stretch](Math.min(1, Math.max(0, (i - low) / (high - low))), deep);
    table[i] = 255 * (invert ? 1 - x : x);
  }
  return table;
}

/** The middle of the pointers on the image, and how far two of them are apart; 0 for one. */
function grip(held) {
  const [a, b = a] = [...held.values()];
  return { middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], apart: Math.hypot(a[0] - b[0], a[1] - b[1]) };
}

export class ImageView extends EventTarget {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(id: string, part: number[]) => Promise<ArrayBuffer>} fetchPart
   */
  constructor(canvas, fetchPart) {
    super();
    this.canvas = canvas;
    this.fetchPart = fetchPart;
    this.stretch = "asinh";
    this.invert = false;
    this.facts = null;
    this.id = "";
    /** Image pixels at the canvas' upper left corner, from the upper left of the image as shown, and canvas pixels for one of the image. */
    this.view = { x: 0, y: 0, scale: 1 };
    this.parts = [];
    this.marked = null;
    this.timer = 0;
    this.asked = 0;
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(canvas);
    document.addEventListener("themechange", () => this.#repaint());
  }

  /** Shows an image from now on; at the same place and scale as the one before it, if it is of the same size. */
  open(id, facts) {
    const alike = this.facts?.width === facts.width && this.facts?.height === facts.height;
    Object.assign(this, { id, facts, parts: [], marked: null });
    if (alike) this.#moved();
    else this.fit();
  }

  /** Shows nothing. */
  clear() {
    Object.assign(this, { id: "", facts: null, parts: [], marked: null });
    this.#draw();
  }

  /** A circle around a place: `x`, `y` from 0 at the first of the file, `fwhm` in pixels; null for none. */
  mark(place) {
    this.marked = place;
    this.#draw();
  }

  setStretch(stretch, invert) {
    this.stretch = stretch;
    this.invert = invert;
    this.#repaint();
  }

  fit() {
    if (!this.facts) return;
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.facts.width, height / this.facts.height);
    this.view = { scale, x: (this.facts.width - width / scale) / 2, y: (this.facts.height - height / scale) / 2 };
    this.#moved();
  }

  /** Zooms about a point of the canvas, its middle by default; `to` is the new scale. */
  zoom(to, at = [this.canvas.width / 2, this.canvas.height / 2]) {
    if (!this.facts) return;
    const least = Math.min(this.canvas.width / this.facts.width, this.canvas.height / this.facts.height) / 2;
    const scale = Math.min(CLOSEST, Math.max(least, to));
    const { x, y, scale: old } = this.view;
    this.view = { scale, x: x + at[0] / old - at[0] / scale, y: y + at[1] / old - at[1] / scale };
    this.#moved();
  }

  pan(dx, dy) {
    this.view = { ...this.view, x: this.view.x - dx / this.view.scale, y: this.view.y - dy / this.view.scale };
    this.#moved();
  }

  /** Column and row (from the first of the file) under a point of the canvas, and its value; null outside. */
  at(px, py) {
    if (!this.facts) return null;
    const column = Math.floor(this.view.x + px / this.view.scale);
    const shown = Math.floor(this.view.y + py / this.view.scale);
    const row = this.facts.height - 1 - shown;
    if (column < 0 || row < 0 || column >= this.facts.width || row >= this.facts.height) return null;
    const part = this.parts.findLast((one) => column >= one.x && row >= one.y && column < one.x + one.w && row < one.y + one.h);
    if (!part) return { column, row, value: null };
    const [i, j] = [Math.min(part.width - 1, Math.floor((column - part.x) / part.bins)), Math.min(part.height - 1, Math.floor((row - part.y) / part.bins))];
    const { low, high } = this.facts.statistics;
    return { column, row, value: low + (part.levels[j * part.width + i] / 65535) * (high - low), bins: part.bins };
  }

  #moved() {
    this.#draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), this.parts.length ? SETTLE : 0);
  }

  /** What is in sight, in image pixels: [x, y from the first row of the file, w, h]. */
  #inSight() {
    const { width, height } = this.facts;
    const left = Math.max(0, Math.floor(this.view.x));
    const top = Math.max(0, Math.floor(this.view.y));
    const right = Math.min(width, Math.ceil(this.view.x + this.canvas.width / this.view.scale));
    const bottom = Math.min(height, Math.ceil(this.view.y + this.canvas.height / this.view.scale));
    return [left, height - bottom, right - left, bottom - top];
  }

  async #ask() {
    if (!this.facts) return;
    const [id, wanted] = [this.id, this.#inSight()];
    const [x, y, w, h] = wanted;
    const number = ++this.asked;
    const stale = () => id !== this.id || number !== this.asked;
    if (w < 1 || h < 1 || this.#known(x, y, w, h)) return;
    try {
      const got = decodePixels(await this.fetchPart(id, wanted));
      if (stale()) return;
      this.parts = [...this.parts.slice(0, 1), { x, y, w: got.width * got.bins, h: got.height * got.bins, ...got, bitmap: null }];
      this.#paint(this.parts.at(-1));
      this.#draw();
    } catch (error) {
      if (stale()) return;
      if (!this.parts.length) this.#clear();
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  /** True if nothing finer could be had for what is in sight. */
  #known(x, y, w, h) {
    return this.parts.some((one) => x >= one.x && y >= one.y && x + w <= one.x + one.w + one.bins && y + h <= one.y + one.h + one.bins && (one.bins === 1 || one.bins * this.view.scale <= 1.01));
  }

  #repaint() {
    for (const part of this.parts) this.#paint(part);
    this.#draw();
  }

  /** Levels to grey; red alone at night, so that eyes stay adapted. */
  #paint(part) {
    const table = greys(this.stretch, this.facts, this.invert);
    const night = document.documentElement.dataset.theme === "night";
    const data = new ImageData(part.width, part.height);
    for (let j = 0; j < part.height; j++) {
      const from = (part.height - 1 - j) * part.width;
      for (let i = 0; i < part.width; i++) {
        const [grey, k] = [table[part.levels[from + i]], 4 * (j * part.width + i)];
        data.data[k] = grey;
        data.data[k + 1] = data.data[k + 2] = night ? 0 : grey;
        data.data[k + 3] = 255;
      }
    }
    part.bitmap ??= new OffscreenCanvas(part.width, part.height);
    part.bitmap.getContext("2d").putImageData(data, 0, 0);
  }

  #clear() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    return context;
  }

  #draw() {
    if (this.facts && !this.parts.length) return; // the image before it stays until this one is there
    const context = this.#clear();
    const { x, y, scale } = this.view;
    for (const part of this.parts) {
      context.imageSmoothingEnabled = part.bins * scale < 2;
      const top = this.facts.height - part.y - part.h;
      context.drawImage(part.bitmap, (part.x - x) * scale, (top - y) * scale, part.w * scale, part.h * scale);
    }
    if (this.marked) this.#circle(context);
  }

  #circle(context) {
    const { x, y, scale } = this.view;
    context.strokeStyle = getComputedStyle(this.canvas).color;
    context.lineWidth = 2;
    context.beginPath();
    context.arc((this.marked.x + 0.5 - x) * scale, (this.facts.height - 0.5 - this.marked.y - y) * scale, Math.max(10, this.marked.fwhm * 1.5 * scale), 0, 2 * Math.PI);
    context.stroke();
  }

  /** Asks whoever listens to measure what stands at a point of the canvas. */
  #pick(point) {
    const found = this.at(...point);
    if (found) this.dispatchEvent(new CustomEvent("pick", { detail: found }));
  }

  #resize() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight].map((size) => Math.max(1, Math.round(size * ratio)));
    if (width === this.canvas.width && height === this.canvas.height) return;
    Object.assign(this.canvas, { width, height });
    this.fit();
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.canvas.width, ((event.clientY - box.top) / box.height) * this.canvas.height];
  }

  #listen() {
    const { canvas } = this;
    const held = new Map();
    let began = null;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(this.view.scale * (event.deltaY < 0 ? 1.25 : 0.8), this.#point(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      held.set(event.pointerId, this.#point(event));
      began = held.size === 1 ? this.#point(event) : null;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const here = this.#point(event);
      if (held.has(event.pointerId)) this.#dragged(grip(held), grip(held.set(event.pointerId, here)));
      this.dispatchEvent(new CustomEvent("cursor", { detail: this.at(...here) }));
    });
    canvas.addEventListener("pointerup", (event) => {
      const here = this.#point(event);
      if (began && Math.hypot(here[0] - began[0], here[1] - began[1]) < CLICK) this.#pick(here);
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => held.delete(event.pointerId));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** One pointer moves the image, two bring it nearer too. */
  #dragged(from, to) {
    this.pan(to.middle[0] - from.middle[0], to.middle[1] - from.middle[1]);
    if (from.apart && to.apart) this.zoom((this.view.scale * to.apart) / from.apart, to.middle);
  }

  #key(event) {
    const step = this.canvas.width / 10;
    const acts = {
      ArrowLeft: () => this.pan(step, 0), ArrowRight: () => this.pan(-step, 0), ArrowUp: () => this.pan(0, step), ArrowDown: () => this.pan(0, -step),
      "+": () => this.zoom(this.view.scale * 1.5), "-": () => this.zoom(this.view.scale / 1.5), 0: () => this.fit(), 1: () => this.zoom(1),
      Enter: () => this.#pick([this.canvas.width / 2, this.canvas.height / 2]),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    acts[event.key]();
  }
}
