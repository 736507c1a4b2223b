/** The first page: the sky, whether it is safe, what is happening now, and the time. */

import { bindings, el, formatAge, formatTime, guards, labelOf, lang, live, setText, severity, siteZone, t } from "../../js/public.js";
import { attempt } from "./acts.js";
import "./angles.js";
import { instrument, site } from "./site.js";
import { drawSky, horizontal } from "./sky.js";
import { inWords } from "./words.js";

const ELEMENTS = [
  ...["rain", "wind", "humidity", "cloud", "lightning", "monitor"].map((name) => ["weather", name]), ...["doors", "motion", "dome", "shutter", "humidity"].map((name) => ["site", name]),
];
const GUARDS_EVERY = 3000;
/** Sidereal seconds in a second. */
const FASTER = 1.00273791;
const place = (id) => document.getElementById(id);

/** The value of a tag that may be trusted; null else. */
function known(device, name) {
  const state = device ? bindings.state(`${device}/${name}`) : undefined;
  if (!state?.spec || state.unknown || severity(state.quality) === "bad") return null;
  const value = labelOf(state.spec, state.value) ?? state.value;
  return typeof value === "bigint" ? Number(value) : value;
}

/** Binds tags and calls `changed` once for all that changed together. */
function watch(tags, changed) {
  let wanted = false;
  const paint = () => {
    if (wanted) return;
    wanted = true;
    queueMicrotask(() => {
      wanted = false;
      changed();
    });
  };
  for (const tag of tags) bindings.bind(tag, paint);
}

function direction(device, altitude = "altitude", azimuth = "azimuth") {
  const found = { altitude: known(device, altitude), azimuth: known(device, azimuth) };
  return found.altitude === null || found.azimuth === null ? null : found;
}

function sidereal() {
  const hours = known(site.majordome, "sidereal_time");
  const since = bindings.state(`${site.majordome}/sidereal_time`)?.t ?? 0;
  return hours === null ? null : (hours + ((live.serverNow() - since) / 3600e3) * FASTER + 24) % 24;
}

/** Where what is to be observed stands now. */
function targets() {
  const [latitude, hours] = [known(site.majordome, "site_latitude"), sidereal()];
  const executing = known(site.sequences, "executing");
  return (known(site.sequences, "present") ?? []).map((text) => JSON.parse(text)).flatMap((one) => {
    if (!["TOBEPLANNED", "PLANNED", "EXECUTING"].includes(one.status)) return [];
    const numbers = (one.target.match(/[+-]?\d+(\.\d+)?/g) ?? []).map(Number);
    const marked = { name: one.name, now: one.id === executing };
    if (one.target.startsWith("altitude")) return [{ altitude: numbers[0], azimuth: numbers[1], ...marked }];
    if (!one.target.startsWith("RA") || latitude === null || hours === null) return [];
    return [{ ...horizontal(numbers[0], numbers[1], hours, latitude), ...marked }];
  });
}

function showSky() {
  const [telescope, dome] = [instrument("telescope")?.path, instrument("dome")?.path];
  const lit = known(site.majordome, "moon_lit");
  const moon = direction(site.majordome, "moon_altitude", "moon_azimuth");
  const shutter = known(site.plc, "shutter") ?? known(dome, "shutter");
  const sky = {
    sun: direction(site.majordome, "sun_altitude", "sun_azimuth"), moon: moon && { ...moon, ...(lit === null ? {} : { lit }) },
    telescope: direction(telescope), targets: targets(), horizon: known(site.majordome, "site_horizon"), dome: shutter === null ? null : { azimuth: known(dome, "azimuth"), shutter: String(shutter).toLowerCase() },
  };
  const drawing = drawSky(sky);
  setText(place("sky-note"), t(`observatory.sky.${drawing.dataset.light}`));
  place("sky").replaceChildren(drawing);
}

function skyLegend() {
  const rows = [
    ["sky.sun", site.majordome, ["sun_altitude", "sun_azimuth"]], ["sky.moon", site.majordome, ["moon_altitude", "moon_azimuth", "moon_lit"]],
    ["kind.telescope", instrument("telescope")?.path, ["altitude", "azimuth"]], ["kind.dome", instrument("dome")?.path, ["azimuth"]],
  ];
  place("sky-legend").replaceChildren(...rows.filter(([, device]) => device).map(([key, device, names]) => el("li", {},
    el("span", { className: "field-label" }, t(`observatory.${key}`)), ...names.flatMap((name) => [el("span", { className: "page-sub" }, t(`observatory.short.${name.split("_").at(-1)}`)), el("sr-value", { tag: `${device}/${name}` })]))));
}

function sky() {
  const tags = [[site.majordome, ["sun_altitude", "sun_azimuth", "moon_altitude", "moon_azimuth", "moon_lit", "sidereal_time", "site_latitude", "site_horizon"]],
    [instrument("telescope")?.path, ["altitude", "azimuth"]], [instrument("dome")?.path, ["azimuth", "shutter"]],
    [site.plc, ["shutter"]], [site.sequences, ["present", "executing"]]];
  watch(tags.flatMap(([device, names]) => (device ? names.map((name) => `${device}/${name}`) : [])), showSky);
  skyLegend();
  showSky();
}

/** Safe or not, in one word and with its reasons. */
function safety() {
  const word = el("p", { className: "ob-word" });
  const why = el("ul", { className: "ob-reasons" });
  const hold = el("p", { className: "page-sub" });
  place("safety").append(word, why, hold);
  if (!site.environment) return setText(word, t("observatory.unknown"));
  const names = ELEMENTS.map(([group, name]) => `${group}_${name}`);
  const show = () => {
    const act = known(site.environment, "make_safe");
    setText(word, t(act === null ? "observatory.unknown" : act ? "observatory.unsafe" : "observatory.safe"));
    word.dataset.state = act === null ? "unknown" : act ? "unsafe" : "safe";
    const reasons = ELEMENTS.filter(([group, name]) => known(site.environment, `${group}_${name}_make_safe`));
    why.replaceChildren(...reasons.map(([group, name]) => el("li", {},
      `${t(`observatory.element.${name}`)}: ${inWords(known(site.environment, `${group}_${name}_means`) ?? "")}`)));
    hold.hidden = act !== false;
  };
  hold.append(t("observatory.safe_for"), " ", el("ob-age", { tag: `${site.environment}/safe_for` }));
  watch([`${site.environment}/make_safe`, ...names.flatMap((name) => [`${site.environment}/${name}_make_safe`, `${site.environment}/${name}_means`])], show);
  show();
  return guarding();
}

/** The guards: how many are ready, and what those did that acted. */
function guarding() {
  const summary = el("summary", {});
  const list = el("ul", { className: "ob-guards" });
  place("safety").append(el("details", { className: "ob-more" }, summary, list));
  const refresh = () => attempt(async () => {
    const found = await guards();
    setText(summary, t("observatory.guards", { count: found.length, acted: found.filter((one) => one.acted > 0).length }));
    list.replaceChildren(...found.map((one) => el("li", {}, el("span", { className: one.verdict === "true" ? "chip chip-warn" : "chip" }, t(`observatory.guard.${one.verdict === "true" ? "acts" : "ready"}`)),
      el("span", {}, inWords(one.name.replaceAll("_", " "))), one.last ? el("span", { className: "page-sub" }, `${formatTime(Date.parse(one.last), document.documentElement.dataset.timezone)} ${inWords(one.outcome)}${one.failed > 1 ? ` ×${one.failed}` : ""}`) : null)));
  });
  refresh();
  setInterval(refresh, GUARDS_EVERY);
}

function fact(key, tag, element = "sr-value") {
  return [el("dt", {}, t(`observatory.${key}`)), el("dd", {}, el(element, { tag }))];
}

/** The name of what is executed. */
function underWay() {
  const shownAs = el("dd", {}, "—");
  watch([`${site.sequences}/executing`, `${site.sequences}/present`], () => {
    const id = known(site.sequences, "executing");
    const one = (known(site.sequences, "present") ?? []).map((text) => JSON.parse(text)).find((each) => each.id === id);
    setText(shownAs, id === null ? t("observatory.unknown") : id ? `${id}${one ? ` · ${one.name} · ${one.taken} / ${one.images}` : ""}` : t("observatory.sequences.nothing"));
  });
  return shownAs;
}

function now() {
  const card = place("now");
  if (site.majordome) {
    const at = (name) => `${site.majordome}/${name}`;
    card.append(el("p", { className: "ob-word" }, el("ob-words", { tag: at("activity") })), el("p", {}, el("ob-words", { tag: at("decision") })),
      el("dl", { className: "facts" }, ...fact("mode", at("mode")), ...fact("last_order", at("last_order"), "ob-words"), ...fact("night", at("night"))));
  }
  if (site.sequences) {
    card.append(el("dl", { className: "facts" }, ...fact("sequences.waiting", `${site.sequences}/waiting`), el("dt", {}, t("observatory.sequences.executing")), underWay()));
  }
  if (!site.majordome && !site.sequences) card.append(el("p", { className: "page-sub" }, t("observatory.no_majordome")));
}

function showSidereal() {
  const hours = sidereal();
  const s = hours === null ? 0 : Math.floor(hours * 3600);
  const pair = (n) => String(n).padStart(2, "0");
  setText(place("sidereal"), hours === null ? "--:--:--" : `${pair(Math.floor(s / 3600))}:${pair(Math.floor(s / 60) % 60)}:${pair(s % 60)}`);
}

const ELEMENTS_OF = { state: "ob-words", shutter: "ob-words", safe: "ob-words", right_ascension: "ob-angle", declination: "ob-angle" };

/** A value of an instrument, angles as astronomers write them and states in the page's language. */
function shown(device, name) {
  const value = el(ELEMENTS_OF[name] ?? "sr-value", { tag: `${device}/${name}`, ...(name === "right_ascension" ? { hours: "" } : {}) });
  return name === "safe" ? el("span", {}, `${t("observatory.tag.safe")}: `, value) : value;
}

/** When the night begins and ends, by the site's clock, and how long that is from now. */
function showNight() {
  for (const name of ["begins", "ends"]) {
    const moment = Date.parse(known(site.majordome, `night_${name}`) ?? "");
    const row = place(`night-${name}`);
    row.hidden = Number.isNaN(moment);
    if (row.hidden) continue;
    const away = (moment - live.serverNow()) / 1000;
    setText(row.querySelector("[data-moment]"), formatTime(moment, siteZone).slice(0, 5));
    setText(row.querySelector(".page-sub"), t(away > 0 ? "observatory.night.in" : "observatory.night.ago", { time: formatAge(60 * Math.floor(Math.abs(away) / 60), lang).replace(/ 00 s$/, "") }));
  }
}

const SHOWN = {
  telescope: ["state", "right_ascension", "declination"], dome: site.plc ? ["azimuth"] : ["shutter", "azimuth"], camera: ["state", "progress", "temperature"],
  filterwheel: ["state", "filter"], focuser: ["position"], observingconditions: ["temperature", "humidity"], safetymonitor: ["safe"],
};

function instruments() {
  const rows = site.instruments.map((one) => el("tr", {}, el("th", { scope: "row" }, el("a", { href: `/devices/${one.path}` }, one.path.split("/").at(-1))),
    el("td", {}, t(`observatory.kind.${one.kind}`)), el("td", {}, el("div", { className: "ob-values" }, ...SHOWN[one.kind].map((name) => shown(one.path, name))))));
  if (!rows.length) return;
  place("instruments").append(el("div", { className: "ob-table-scroll" }, el("table", { className: "table ob-rows" }, el("tbody", {}, ...rows))));
  place("instruments").hidden = false;
}

/** The weather in five lines. */
function outside() {
  if (!site.environment) return;
  const names = ["temperature", "humidity", "wind", "rain", "cloud"];
  place("outside").append(el("dl", { className: "facts" }, ...names.flatMap((name) => [el("dt", {}, t(`observatory.element.${name}`)),
    el("dd", {}, name === "cloud" ? null : el("sr-value", { tag: `${site.environment}/weather_${name}` }), " ", el("ob-words", { tag: `${site.environment}/weather_${name}_means` }))])));
  place("outside").hidden = false;
}

sky();
outside();
safety();
now();
instruments();
setInterval(showSidereal, 250);
if (site.majordome) watch(["night_begins", "night_ends"].map((name) => `${site.majordome}/${name}`), showNight);
setInterval(showNight, 1000);
