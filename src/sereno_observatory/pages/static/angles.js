/** Angles as astronomers write and type them. `<ob-angle tag="..." hours>`: a live one; `<ob-aim tag="...">`: a target. */

import { formatNumber, lang, look, setAttribute, setLook, setText, severity, t } from "../../js/public.js";
import { TagElement } from "./words.js";

const pair = (n) => String(n).padStart(2, "0");

/** 5.5 hours → 05ʰ30ᵐ00.0ˢ */
export function formatHours(hours) {
  const tenths = Math.round((((hours % 24) + 24) % 24) * 36000) % 864000;
  const seconds = formatNumber((tenths % 600) / 10, 1, lang).padStart(4, "0");
  return `${pair(Math.floor(tenths / 36000))}ʰ${pair(Math.floor(tenths / 600) % 60)}ᵐ${seconds}ˢ`;
}

/** -5.51 degrees → −05°30′36″ */
export function formatDegrees(degrees) {
  const seconds = Math.round(Math.abs(degrees) * 3600);
  return `${degrees < 0 && seconds ? "−" : "+"}${pair(Math.floor(seconds / 3600))}°${pair(Math.floor(seconds / 60) % 60)}′${pair(seconds % 60)}″`;
}

/** The book's words for where something is, in the page's language; as they are where they are others. */
export function formatTarget(text) {
  const [first, second] = (text.match(/[+-]?\d+(\.\d+)?/g) ?? []).map(Number);
  if (text.startsWith("RA ") && second !== undefined) return `${formatHours(first)} ${formatDegrees(second)}`;
  if (!text.startsWith("altitude ") || second === undefined) return text;
  return t("observatory.target.altaz", { altitude: formatNumber(first, 1, lang), azimuth: formatNumber(second, 1, lang) });
}

/**
 * What somebody typed, in its unit: one number, or two or three parts by colons, blanks or letters.
 * @param {string} text such as "5.5", "05 30 00", "-5:30:36" or "5h30m"
 * @returns {number | null} null if it is no such thing
 */
export function parseAngle(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(/,/g, ".").replace(/[hmsʰᵐˢd°'′"″:\s]+/gi, " ").trim();
  const found = /^([+-]?)(\d+(?:\.\d+)?)(?: (\d+(?:\.\d+)?))?(?: (\d+(?:\.\d+)?))?$/.exec(plain);
  if (!found) return null;
  const [first, minutes, seconds] = found.slice(2).map((part) => Number(part ?? 0));
  const odd = found[3] !== undefined && (!Number.isInteger(first) || minutes >= 60 || seconds >= 60 || (found[4] !== undefined && !Number.isInteger(minutes)));
  return odd ? null : (found[1] === "-" ? -1 : 1) * (first + minutes / 60 + seconds / 3600);
}

class Shown extends TagElement {
  paint(state) {
    const { text, unit, classes, spoken } = look(state);
    const known = state.value !== null && state.value !== undefined && !state.unknown && severity(state.quality) !== "bad";
    setText(this, known ? this.words(state.value) || "–" : text);
    setLook(this, classes);
    setAttribute(this, "title", known ? `${text} ${unit}`.trim() : spoken);
  }
}

customElements.define("ob-angle", class extends Shown {
  words(value) {
    return this.hasAttribute("hours") ? formatHours(value) : formatDegrees(value);
  }
});

customElements.define("ob-aim", class extends Shown {
  words(value) {
    return formatTarget(String(value));
  }
});
