/** The sky as a disk: the horizon is its rim, the zenith its centre, north up and east to the left, as one sees it looking up. */

import { formatNumber, lang, svgEl, t } from "../../js/public.js";

const R = 100;
const RAD = Math.PI / 180;
/** Half the width of a dome's slit as drawn, degrees. */
const SLIT = 14;
/** What is below the horizon is smaller, to leave room for the letters behind it. */
const BELOW = 0.55;
const LETTERS = R + 17;

/** @typedef {{altitude: number, azimuth: number}} SkyPlace degrees; azimuth from the north over the east */

/**
 * Where a direction is drawn; what is below the horizon stands just outside the rim.
 * @param {SkyPlace} place
 * @returns {[number, number]}
 */
export function project({ altitude, azimuth }) {
  const r = altitude >= 0 ? ((90 - altitude) / 90) * R : R + 5;
  return [-r * Math.sin(azimuth * RAD), -r * Math.cos(azimuth * RAD)];
}

/**
 * A direction of J2000 as altitude and azimuth, within a third of a degree: precession is left out.
 * @param {number} rightAscension hours
 * @param {number} declination degrees
 * @param {number} sidereal hours
 * @param {number} latitude degrees
 * @returns {SkyPlace}
 */
export function horizontal(rightAscension, declination, sidereal, latitude) {
  const [h, d, phi] = [(sidereal - rightAscension) * 15 * RAD, declination * RAD, latitude * RAD];
  const up = Math.sin(phi) * Math.sin(d) + Math.cos(phi) * Math.cos(d) * Math.cos(h);
  const north = Math.cos(phi) * Math.sin(d) - Math.sin(phi) * Math.cos(d) * Math.cos(h);
  const east = -Math.cos(d) * Math.sin(h);
  const azimuth = Math.atan2(east, north) / RAD;
  return { altitude: Math.asin(Math.min(1, Math.max(-1, up))) / RAD, azimuth: (azimuth + 360) % 360 };
}

/** "17° above 243°" for a tooltip. */
function words(name, { altitude, azimuth }) {
  return `${name}: ${t("observatory.sky.at", { altitude: formatNumber(altitude, 1, lang), azimuth: formatNumber(azimuth, 0, lang) })}`;
}

function frame() {
  const rings = [30, 60].flatMap((altitude) => {
    const r = ((90 - altitude) / 90) * R;
    return [svgEl("circle", { class: "ob-ring", r }), svgEl("text", { class: "ob-degrees", x: 2, y: -r + 7 }, `${altitude}°`)];
  });
  const cross = [svgEl("path", { class: "ob-ring", d: `M0-${R}V${R}M-${R} 0H${R}` })];
  const points = [["n", 0], ["e", 90], ["s", 180], ["w", 270]].map(([name, azimuth]) => {
    const [x, y] = [-LETTERS * Math.sin(azimuth * RAD), -LETTERS * Math.cos(azimuth * RAD)];
    return svgEl("text", { class: "ob-point", x, y: y + 4 }, t(`observatory.sky.${name}`));
  });
  return svgEl("g", {}, ...cross, ...rings, svgEl("circle", { class: "ob-horizon", r: R }), ...points);
}

/** What the horizon hides: the ring between the rim and the altitudes, which stand at equal steps from the north on, by east. */
function hidden(altitudes) {
  const at = (azimuth) => {
    const step = (azimuth / 360) * altitudes.length;
    const [left, right] = [altitudes[Math.floor(step) % altitudes.length], altitudes[(Math.floor(step) + 1) % altitudes.length]];
    return Math.max(0, left + (right - left) * (step - Math.floor(step)));
  };
  const points = Array.from({ length: 120 }, (_, i) => project({ altitude: at(i * 3), azimuth: i * 3 }).map((v) => v.toFixed(1)).join(" "));
  return svgEl("path", { class: "ob-hidden", d: `M0-${R}A${R} ${R} 0 1 1 0 ${R}A${R} ${R} 0 1 1 0-${R}ZM${points.join("L")}Z` }, svgEl("title", {}, t("observatory.sky.hidden")));
}

function mark(place, name, className, ...shapes) {
  const [x, y] = project(place);
  const below = place.altitude < 0;
  return svgEl("g", { class: `${className}${below ? " ob-below" : ""}`, transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})${below ? ` scale(${BELOW})` : ""}` },
    svgEl("title", {}, words(name, place)), ...shapes);
}

function sun(place) {
  const rays = Array.from({ length: 8 }, (_, i) => `M${(7 * Math.cos(i * 45 * RAD)).toFixed(1)} ${(7 * Math.sin(i * 45 * RAD)).toFixed(1)}L${(10 * Math.cos(i * 45 * RAD)).toFixed(1)} ${(10 * Math.sin(i * 45 * RAD)).toFixed(1)}`);
  return mark(place, t("observatory.sky.sun"), "ob-sun", svgEl("circle", { r: 5 }), svgEl("path", { d: rays.join("") }));
}

/** The lit part as a share of the disk: enough to tell a crescent from a full moon. */
function moon({ lit = 100, ...place }) {
  const k = 1 - (2 * lit) / 100;
  const edge = `M0-5.500A5.500 5.500 0 0 1 0 5.500A${(Math.abs(k) * 5.5).toFixed(2)} 5.500 0 0 ${k < 0 ? 1 : 0} 0-5.500Z`;
  return mark(place, t("observatory.sky.moon"), "ob-moon", svgEl("circle", { r: 5.5 }), svgEl("path", { d: edge }));
}

function telescope(place) {
  return mark(place, t("observatory.kind.telescope"), "ob-telescope", svgEl("circle", { r: 7 }), svgEl("path", { d: "M-12 0H-3M3 0H12M0-12V-3M0 3V12" }));
}

function target({ name, now = false, ...place }) {
  return mark(place, name, now ? "ob-target ob-target-now" : "ob-target", svgEl("path", { d: "M0-3.500 3.500 0 0 3.500-3.500 0Z" }));
}

/** The slit as a band from the zenith to the rim; a dome without a known direction as the whole rim. */
function dome({ azimuth, shutter }) {
  const group = svgEl("g", { class: `ob-dome ob-dome-${shutter}` }, svgEl("title", {}, `${t("observatory.kind.dome")}: ${t(`observatory.says.${shutter}`)}`));
  if (azimuth === null) {
    group.append(svgEl("circle", { class: "ob-slit-rim", r: R }));
    return group;
  }
  const rim = [azimuth - SLIT, azimuth + SLIT].map((a) => project({ altitude: 0, azimuth: a }).map((v) => v.toFixed(2)));
  group.append(svgEl("path", { class: "ob-slit", d: `M0 0L${rim[0]}A${R} ${R} 0 0 0 ${rim[1]}Z` }), svgEl("path", { class: "ob-slit-rim", d: `M${rim[0]}A${R} ${R} 0 0 0 ${rim[1]}` }));
  return group;
}

/** How dark it is, by the sun: day, twilight, night, or unknown. */
export function daylight(place) {
  if (!place) return "unknown";
  return place.altitude > -0.8 ? "day" : place.altitude > -18 ? "twilight" : "night";
}

/**
 * A drawing of what is known; what is not is left out.
 * @param {{sun?: SkyPlace | null, moon?: (SkyPlace & {lit?: number}) | null, telescope?: SkyPlace | null,
 *   dome?: {azimuth: number | null, shutter: string} | null, horizon?: number[] | null, targets?: (SkyPlace & {name: string, now?: boolean})[]}} sky
 * @returns {SVGElement}
 */
export function drawSky(sky) {
  const shown = (sky.targets ?? []).filter((one) => one.altitude >= 0);
  return svgEl("svg", { class: "ob-sky", viewBox: "-126 -126 252 252", role: "img", "aria-label": t("observatory.sky"), "data-light": daylight(sky.sun) },
    svgEl("circle", { class: "ob-ground", r: R }),
    ...(sky.horizon?.length ? [hidden(sky.horizon)] : []), ...(sky.dome ? [dome(sky.dome)] : []), frame(), ...shown.map(target),
    ...(sky.sun ? [sun(sky.sun)] : []), ...(sky.moon ? [moon(sky.moon)] : []), ...(sky.telescope ? [telescope(sky.telescope)] : []));
}
