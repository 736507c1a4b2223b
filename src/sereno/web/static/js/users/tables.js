/** The tables of the pages about people. */

import { el } from "../dom.js";
import { formatDayTime } from "../format.js";
import { t } from "../i18n.js";
import { siteZone } from "../present.js";

/** A time of the API in the site's zone. */
export function time(text) {
  return text ? formatDayTime(Date.parse(text), siteZone) : "–";
}

/** Puts a table into its place: heads are keys of the catalogue, "" for the column of buttons. */
export function showTable(id, heads, rows) {
  const title = document.getElementById(`${id}-title`).textContent;
  document.getElementById(id).replaceChildren(rows.length
    ? el("table", { className: "table" }, el("caption", { className: "unseen" }, title),
      el("thead", {}, el("tr", {}, ...heads.map((key) => el(key ? "th" : "td", key ? { scope: "col" } : {}, key ? t(`users.${key}`) : null)))),
      el("tbody", {}, ...rows))
    : el("p", { className: "empty" }, t("users.none")));
}

/** One row; the last cell holds the buttons. */
export function row(cells, buttons, properties = {}) {
  return el("tr", properties, ...cells.map((cell) => el("td", {}, cell)), el("td", {}, el("div", { className: "row-actions" }, ...buttons)));
}

/** A small button in a row; `about` says for whom to those who do not see the row. */
export function action(key, about, click) {
  return el("button", { type: "button", className: "button", "aria-label": `${t(`users.${key}`)}: ${about}`, on: { click } }, t(`users.${key}`));
}

/** Names as chips. */
export function chips(names) {
  return el("span", {}, ...names.map((name) => el("span", { className: "chip" }, name)));
}

/** The rows of sessions; `end` is asked to end one. */
export function sessionRows(sessions, end) {
  return sessions.map((one) => row(
    [one.user, one.origin || "–", time(one.created), time(one.seen), time(one.expires)],
    one.here ? [el("span", { className: "chip" }, t("users.here"))] : [action("end", `${one.user} ${one.origin}`, () => end(one))],
    { dataset: { session: one.id } }));
}

/** The rows of tokens; `end` is asked to revoke one. */
export function tokenRows(tokens, end) {
  return tokens.map((one) => row(
    [one.name, one.owner, chips([one.role]), time(one.created), time(one.expires)],
    [action("revoke", one.name, () => end(one))], { dataset: { token: one.id } }));
}

export const SESSION_HEADS = ["user", "origin", "since", "seen", "until", ""];
export const TOKEN_HEADS = ["name", "owner", "role", "since", "until", ""];
