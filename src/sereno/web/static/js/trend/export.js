/** What is on the screen as a file: picture or table. Numbers in files have a point and times are UTC, in every language. */

import { el } from "../dom.js";
import { formatUnit } from "../format.js";
import { siteTime, siteZone } from "../present.js";
import { penStyle } from "./chart.js";
import { align } from "./pen.js";

const LINE = 22;

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10e3);
}

function fileName(model, ending) {
  const [from, to] = model.range();
  const stamp = (t) => new Date(t * 1e3).toISOString().slice(0, 19).replaceAll(":", "");
  return `trend_${stamp(from)}Z_${stamp(to)}Z.${ending}`;
}

/**
 * The drawn points of all pens, one row a time; empty = no value there.
 * @param {import("./model.js").TrendModel} model
 * @returns {string}
 */
export function csvText(model) {
  const [from, to] = model.range();
  const columns = align(model.pens.map((pen) => pen.points), null);
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = model.pens.flatMap(({ tag, spec }) => {
    const unit = spec.unit ? ` [${spec.unit}]` : "";
    return [`${tag}${unit}`, `${tag} high${unit}`, `${tag} low${unit}`].map(quoted);
  });
  const lines = [["time", ...names].join(",")];
  const [x, ...rest] = columns;
  for (let row = 0; row < x.length; row++) {
    if (x[row] < from || x[row] > to) continue;
    lines.push([new Date(x[row] * 1e3).toISOString(), ...rest.map((column) => column[row] ?? "")].join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** @param {import("./model.js").TrendModel} model */
export function saveCsv(model) {
  save(new Blob([csvText(model)], { type: "text/csv;charset=utf-8" }), fileName(model, "csv"));
}

/**
 * @param {import("./chart.js").TrendChart} chart
 * @param {import("./model.js").TrendModel} model
 */
export function savePng(chart, model) {
  const source = chart.plot?.ctx.canvas;
  if (!source) return;
  const ratio = devicePixelRatio;
  const canvas = el("canvas", { width: source.width, height: source.height + (model.pens.length + 2) * LINE * ratio });
  const ctx = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  ctx.fillStyle = token("--panel");
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(source, 0, 0);
  ctx.scale(ratio, ratio);
  ctx.font = `13px ${token("--font")}`;
  ctx.fillStyle = token("--ink");
  const [from, to] = model.range();
  const top = source.height / ratio + LINE;
  ctx.fillText(`${siteTime(from * 1e3)} – ${siteTime(to * 1e3)} ${siteZone}`, 14, top);
  model.pens.forEach(({ tag, spec }, n) => {
    const y = top + (n + 1) * LINE;
    const { color, dash } = penStyle(n);
    ctx.strokeStyle = color;
    ctx.lineWidth = 3;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(14, y - 4);
    ctx.lineTo(44, y - 4);
    ctx.stroke();
    ctx.fillText([tag, formatUnit(spec.unit) && `(${formatUnit(spec.unit)})`, spec.description].filter(Boolean).join("  "), 54, y);
  });
  canvas.toBlob((blob) => blob && save(blob, fileName(model, "png")), "image/png");
}
