/** The frame of every page: connection, clock, theme, language, keys. Pages import it first. */

import { startBanner } from "./alarms/banner.js";
import { request } from "./api.js";
import { openFaceplate } from "./components/faceplate.js";
import { openPalette } from "./components/palette.js";
import "./components/value.js";
import { setAttribute, setText } from "./dom.js";
import { formatDayTime, formatTime } from "./format.js";
import { t } from "./i18n.js";
import { keyListener } from "./keys.js";
import { live } from "./live.js";
import { siteZone } from "./present.js";
import "./menu.js";
import { toggleNight } from "./theme.js";
import { onWaiting, waitsForMe } from "./waiting.js";

const root = document.documentElement;
const CLOCK_EVERY = 250;

function showLink() {
  root.dataset.link = live.state;
  const pill = document.getElementById("link-state");
  if (pill) {
    pill.dataset.state = live.state;
    setText(pill.querySelector(".link-text"), t(`link.${live.state}`));
    pill.title = t(`link.${live.state}_long`);
  }
  const banner = document.getElementById("disconnected");
  if (banner) setText(banner, live.state === "down" ? t("link.banner", { time: formatTime(live.since + live.offset, siteZone) }) : "");
}

function showClock() {
  const now = live.serverNow();
  for (const place of document.querySelectorAll("[data-clock]")) {
    setText(place, formatTime(now, place.dataset.clock));
    setAttribute(place, "title", `${formatDayTime(now, place.dataset.clock)} ${place.dataset.clock}`);
  }
}

/** How many commands wait for who is signed in, where nobody can miss it. */
function showWaiting(commands) {
  const badge = document.getElementById("waiting-badge");
  if (!badge) return;
  const count = commands.filter(waitsForMe).length;
  badge.hidden = count === 0;
  setText(badge, count ? String(count) : "");
  setAttribute(badge, "aria-label", count ? t("waiting.count", { count }) : null);
}

function find() {
  const field = document.getElementById("tag-search");
  if (field) field.focus();
  else openPalette();
}

function signedOut() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** A socket that is turned away may mean that the session is over: the answer to this question leads to the sign-in. */
function askSession() {
  request("session").catch(() => {});
}

/** Whoever manages people is told for some days that an administrator was recovered at the machine's console. */
async function showRecovered() {
  const place = document.getElementById("recovered");
  if (!place) return;
  const { recovered } = await request("session").catch(() => ({ recovered: [] }));
  const texts = recovered.map((one) => t("users.recovered_note", { name: one.name, time: formatDayTime(Date.parse(one.t), siteZone) }));
  place.hidden = texts.length === 0;
  setText(place, texts.join(" "));
}

const go = (path) => () => location.assign(path);

function start() {
  live.addEventListener("state", showLink);
  live.addEventListener("signedout", signedOut);
  live.addEventListener("turnedaway", askSession);
  document.addEventListener("keydown", keyListener({
    "/": find,
    "?": go("/help"),
    "g m": go("/mimic"),
    "g t": go("/tags"),
    "g r": go("/trend"),
    "g d": go("/devices"),
    "g l": go("/alarms"),
    "g b": go("/logbook"),
    "g c": go("/commands"),
    "g j": go("/jobs"),
    "g a": go("/audit"),
    l: () => document.dispatchEvent(new Event("golive")),
    n: toggleNight,
  }));
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-open-tag], [data-find]");
    if (place?.dataset.openTag) openFaceplate(place.dataset.openTag, { opener: place });
    else if (place) find();
  });
  showRecovered();
  showClock();
  setInterval(showClock, CLOCK_EVERY);
  showLink();
  onWaiting(showWaiting);
  startBanner();
  live.start();
}

start();
