/** What is drawn on a trend besides its lines: times of bad quality and limits. */

import { decimalsOf, formatNumber, isNumeric } from "../format.js";
import { lang, t } from "../i18n.js";
import { scaleOf } from "./axes.js";

const LANE = 5;
const FAINT = 0.4;
const LIMITS = ["lolo", "lo", "hi", "hihi"];

/**
 * Hatches the times when the active pen's quality was bad; every pen has its own thin lane at the bottom.
 * @param {any} u uPlot
 * @param {import("./model.js").Pen[]} pens
 * @param {number} active
 * @param {(name: string) => string} token
 */
export function drawGaps(u, pens, active, token) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  pens.forEach((pen, n) => {
    for (const [start, end] of pen.points.gaps) {
      const left = Math.max(bbox.left, u.valToPos(start, "x", true));
      const right = Math.min(bbox.left + bbox.width, end === null ? bbox.left + bbox.width : u.valToPos(end, "x", true));
      if (right <= left) continue;
      // Before the first value there may never have been one: less is said.
      ctx.globalAlpha = start <= pen.points.t[0] ? FAINT : 1;
      if (n === active) hatch(ctx, left, bbox.top, right - left, bbox.height, token("--hatch"), ratio);
      ctx.fillStyle = token(`--pen-${(n % 8) + 1}`);
      ctx.fillRect(left, bbox.top + bbox.height - (n + 1) * LANE * ratio, right - left, (LANE - 2) * ratio);
    }
  });
  ctx.restore();
}

function hatch(ctx, left, top, width, height, color, ratio) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = 2 * ratio;
  ctx.beginPath();
  for (let x = left - height; x < left + width; x += 9 * ratio) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

/**
 * Dashed lines at the limits of a tag, named at the right edge.
 * @param {any} u uPlot
 * @param {import("../format.js").TagSpec | undefined} spec
 * @param {(name: string) => string} token
 * @param {boolean} compact
 */
export function drawLimits(u, spec, token, compact) {
  if (!spec?.limits || !isNumeric(spec)) return;
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px ${token("--font")}`;
  ctx.textAlign = "right";
  for (const name of LIMITS) {
    const limit = spec.limits[name];
    if (limit == null) continue;
    const y = u.valToPos(limit, scaleOf(spec), true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = token(name.length > 2 ? "--crit-line" : "--warn-line");
    ctx.fillStyle = ctx.strokeStyle;
    ctx.lineWidth = ratio;
    ctx.setLineDash(name.length > 2 ? [2 * ratio, 3 * ratio] : [7 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const text = `${t(`limit.${name}`)} ${formatNumber(limit, decimalsOf(spec), lang)}`;
    if (compact) continue;
    ctx.setLineDash([]);
    ctx.lineWidth = 4 * ratio;
    ctx.strokeStyle = token("--panel");
    ctx.strokeText(text, bbox.left + bbox.width - 4 * ratio, y - 5 * ratio);
    ctx.fillText(text, bbox.left + bbox.width - 4 * ratio, y - 5 * ratio);
  }
  ctx.restore();
}
