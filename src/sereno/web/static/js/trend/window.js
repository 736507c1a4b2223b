/** The time window of a trend and its form in the URL. Pure. Times are ms UTC. */

/**
 * Either live (the last `span` up to now) or fixed (`from` to `to`).
 * @typedef {{live: true, span: number} | {live: false, from: number, to: number}} Window
 */

const UNITS = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

/** Spans that have a button of their own. */
export const SPANS = ["5m", "1h", "6h", "24h"];

/** @type {Window} */
export const DEFAULT_WINDOW = { live: true, span: 3600e3 };

/**
 * "6h" -> ms; null if it is no duration.
 * @param {string} text
 * @returns {number | null}
 */
export function parseSpan(text) {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]] : null;
}

/** ms -> "6h": the largest unit that divides it; days only from three on, as people say 24 h. */
export function spanText(ms) {
  for (const unit of ["w", "d", "h", "m"]) {
    if (ms % UNITS[unit] === 0 && (unit !== "d" || ms >= 3 * UNITS.d)) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${Math.round(ms / 1e3)}s`;
}

/**
 * @param {URLSearchParams} parameters
 * @returns {{tags: string[], window: Window}}
 */
export function fromUrl(parameters) {
  const tags = [...new Set(parameters.getAll("tag").filter(Boolean))];
  const relative = /^now-(.+)$/.exec(parameters.get("from") ?? "");
  const span = relative ? parseSpan(relative[1]) : null;
  if (span) return { tags, window: { live: true, span } };
  const [from, to] = [Date.parse(parameters.get("from") ?? ""), Date.parse(parameters.get("to") ?? "")];
  if (from < to) return { tags, window: { live: false, from, to } };
  return { tags, window: DEFAULT_WINDOW };
}

/**
 * @param {string[]} tags
 * @param {Window} window
 * @returns {string} query without "?", slashes left readable
 */
export function toUrl(tags, window) {
  const parts = tags.map((tag) => `tag=${encodeURIComponent(tag).replaceAll("%2F", "/")}`);
  if (window.live) parts.push(`from=now-${spanText(window.span)}`, "to=now");
  else parts.push(`from=${new Date(window.from).toISOString()}`, `to=${new Date(window.to).toISOString()}`);
  return parts.join("&");
}

/**
 * The edges of a window.
 * @param {Window} window
 * @param {number} now
 * @returns {[number, number]}
 */
export function edges(window, now) {
  return window.live ? [now - window.span, now] : [window.from, window.to];
}

/**
 * A fixed window: `factor` times as long around `center` (0 = left edge, 1 = right), moved by `shift` window lengths.
 * @param {[number, number]} range
 * @param {{factor?: number, center?: number, shift?: number}} change
 * @returns {Window}
 */
export function changed([from, to], { factor = 1, center = 0.5, shift = 0 }) {
  const span = Math.min(Math.max((to - from) * factor, 1000), 20 * 365 * UNITS.d);
  const pivot = from + (to - from) * center + (to - from) * shift;
  return { live: false, from: Math.round(pivot - span * center), to: Math.round(pivot + span * (1 - center)) };
}

/** Offset of a zone from UTC at an instant, ms. */
function zoneOffset(ms, zone) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(ms / 1e3) * 1e3;
}

/**
 * "2026-11-20 14:05[:09]" in a zone -> ms UTC; null if it is no such time.
 * @param {string} text
 * @param {string} zone IANA name
 * @returns {number | null}
 */
export function parseLocal(text, zone) {
  const match = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?$/.exec(text.trim());
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map((digits) => Number(digits ?? 0));
  if (month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59) return null;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const guess = wall - zoneOffset(wall, zone);
  return wall - zoneOffset(guess, zone);
}

/** Seconds between live samples: finer than a pixel is of no use. Up to a minute is for the shape: each as it comes. */
export function interval(window) {
  if (!window.live) return 1;
  if (window.span <= 60e3) return 0;
  return Math.min(5, Math.max(0.1, window.span / 1e3 / 3000));
}
