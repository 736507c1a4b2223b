/** The one place where values become text and text becomes values. Pure: the language is an argument. */

const COMMA = new Set(["es", "fr"]);
const MINUS = "\u2212";
const NONE = "—";

/**
 * @typedef {object} TagSpec
 * @property {string} tag path
 * @property {string} type
 * @property {string} [unit]
 * @property {string} [description]
 * @property {string} [access] read, read_write or write
 * @property {string[]} [labels]
 * @property {number | null} [decimals]
 * @property {number | null} [low]
 * @property {number | null} [high]
 * @property {object | null} [limits]
 * @property {object | null} [setpoint]
 */

const INTEGERS = new Set(["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]);

/** True for the types that a number axis can show. */
export function isNumeric(spec) {
  return INTEGERS.has(spec.type) || spec.type.startsWith("float");
}

/** True for the integer types. */
export function isInteger(spec) {
  return INTEGERS.has(spec.type);
}

/**
 * Digits after the point: as declared, else none for integers, else so many that the range has about a thousand steps.
 * @param {TagSpec} spec
 * @returns {number}
 */
export function decimalsOf(spec) {
  if (spec.decimals != null) return spec.decimals;
  if (isInteger(spec)) return 0;
  const span = spec.high != null && spec.low != null ? spec.high - spec.low : 0;
  if (!(span > 0)) return 2;
  return Math.min(6, Math.max(0, Math.ceil(3 - Math.log10(span) - 1e-9)));
}

/**
 * A number with fixed decimals, never grouped, with the language's decimal sign.
 * @param {number | bigint} value
 * @param {number} decimals
 * @param {string} lang
 * @returns {string}
 */
export function formatNumber(value, decimals, lang) {
  let text;
  if (typeof value === "bigint") text = value.toString();
  else if (!Number.isFinite(value)) return NONE;
  else if (Math.abs(value) >= 1e15) text = value.toExponential(6);
  else text = value.toFixed(decimals);
  if (text.startsWith("-")) text = /[1-9]/.test(text) ? MINUS + text.slice(1) : text.slice(1);
  return COMMA.has(lang) ? text.replace(".", ",") : text;
}

/**
 * A unit as people write it: m3/h -> m³/h, degC -> °C, uS/cm -> µS/cm, nothing for "1".
 * @param {string | undefined} unit
 * @returns {string}
 */
export function formatUnit(unit) {
  if (!unit || unit === "1") return "";
  return unit
    .replace(/\bdeg(?=[CFKR]?\b)/g, "°")
    .replace(/([a-zA-Z])\^?2(?!\d)/g, "$1²")
    .replace(/([a-zA-Z])\^?3(?!\d)/g, "$1³")
    .replace(/\bu(?=[a-zA-Z])/g, "µ");
}

/**
 * A tag's value without its unit.
 * @param {TagSpec} spec
 * @param {any} value number, bigint, boolean, label, string, array or null
 * @param {string} lang
 * @param {(key: string) => string} t catalogue
 * @returns {string}
 */
export function formatValue(spec, value, lang, t) {
  if (value === null || value === undefined) return NONE;
  if (Array.isArray(value)) return value.map((v) => formatValue(spec, v, lang, t)).join(spec.type === "string" ? ", " : "  ");
  const label = labelOf(spec, value);
  if (label !== null) return label;
  if (typeof value === "boolean") return t(value ? "value.true" : "value.false");
  if (typeof value === "string") return value;
  return formatNumber(value, decimalsOf(spec), lang);
}

/**
 * The label of an enum code or of a labelled boolean; null where there is none.
 * @param {TagSpec} spec
 * @param {any} value
 * @returns {string | null}
 */
export function labelOf(spec, value) {
  if (!spec.labels?.length || typeof value === "string") return null;
  return spec.labels[Number(value)] ?? null;
}

/**
 * The number that a person typed: point or comma as the decimal sign, no grouping.
 * @param {string} text
 * @returns {number | null} null if it is not one number without doubt
 */
export function parseNumber(text) {
  const plain = text.trim().replace(MINUS, "-").replace(",", ".");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(plain)) return null;
  const number = Number(plain);
  return Number.isFinite(number) ? number : null;
}

/**
 * The integer that a person typed, exact at any size: a number where a double holds it, else a bigint.
 * @param {string} text
 * @returns {number | bigint | null}
 */
export function parseInteger(text) {
  const plain = text.trim().replace(MINUS, "-");
  if (!/^[+-]?\d+$/.test(plain)) return null;
  const exact = BigInt(plain.replace("+", ""));
  return exact >= BigInt(Number.MIN_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
}

/**
 * A duration in words short enough for a column.
 * @param {number} seconds
 * @param {string} lang
 * @returns {string}
 */
export function formatAge(seconds, lang) {
  if (!Number.isFinite(seconds)) return NONE;
  const s = Math.max(0, seconds);
  if (s < 10) return `${formatNumber(s, 1, lang)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/**
 * A short time: 850 µs, 12.3 ms, 1.25 s.
 * @param {number} seconds
 * @param {string} lang
 * @returns {string}
 */
export function formatDuration(seconds, lang) {
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 0.001) return `${formatNumber(seconds * 1e6, 0, lang)} µs`;
  if (seconds < 1) return `${formatNumber(seconds * 1e3, seconds < 0.1 ? 1 : 0, lang)} ms`;
  return `${formatNumber(seconds, seconds < 10 && !Number.isInteger(seconds) ? 2 : 0, lang)} s`;
}

const CLOCKS = new Map();

function clockOf(zone, date) {
  const key = `${zone} ${date}`;
  if (!CLOCKS.has(key)) {
    const day = date ? { year: "numeric", month: "2-digit", day: "2-digit" } : {};
    const format = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", ...day,
    });
    CLOCKS.set(key, format);
  }
  return CLOCKS.get(key);
}

/**
 * Time of day, 24 h, in a named zone: 14:05:09, with the tenth of a second on demand.
 * @param {number} ms UTC
 * @param {string} zone IANA name
 * @param {boolean} [tenths]
 * @returns {string}
 */
export function formatTime(ms, zone, tenths = false) {
  const text = clockOf(zone, false).format(ms);
  return tenths ? `${text}.${Math.floor((((ms % 1000) + 1000) % 1000) / 100)}` : text;
}

/**
 * Day and time in a named zone: 2026-11-20 14:05:09.
 * @param {number} ms UTC
 * @param {string} zone IANA name
 * @returns {string}
 */
export function formatDayTime(ms, zone) {
  return clockOf(zone, true).format(ms).replace(", ", " ");
}
