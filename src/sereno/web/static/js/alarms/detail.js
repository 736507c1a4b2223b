/** One alarm: what to do, why it comes, and the trend around the moment when it came. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { live } from "../live.js";
import { Notes } from "../logbook/notes.js";
import { siteTime } from "../present.js";
import { TrendChart } from "../trend/chart.js";
import { TrendModel } from "../trend/model.js";
import { priorityMark } from "./banner.js";
import { stateText, valueText } from "./table.js";

const AROUND = 300e3;

/** Shows an alarm in `place`; the trend lives until the next one. */
export class AlarmDetail {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.id = "";
    this.chart = null;
    this.model = null;
    /** @type {Notes | null} */
    this.notes = null;
  }

  show(alarm) {
    const other = alarm.id !== this.id;
    if (other) this.close();
    this.id = alarm.id;
    this.place.hidden = false;
    const facts = [["state", stateText(alarm)], ["value", valueText(alarm)], ["since", siteTime(Date.parse(alarm.since ?? 0))],
      ["raised", siteTime(Date.parse(alarm.raised ?? 0))], ["cause", alarm.cause], ["consequence", alarm.consequence], ["class", alarm.class],
      ["condition", alarm.condition || (alarm.limit === null ? "" : `${alarm.kind} ${alarm.limit}`)],
      ["who", alarm.actor ? `${alarm.actor}${alarm.note ? ` “${alarm.note}”` : ""}` : ""]];
    const parts = [
      el("h2", { className: "alarm-id" }, priorityMark(alarm.priority), ` ${alarm.id}`),
      el("p", { className: "alarm-response" }, alarm.response || t("alarms.no_response")),
      el("dl", {}, ...facts.filter(([, text]) => text && text !== "—").flatMap(([name, text]) => [el("dt", {}, t(`alarms.${name}`)), el("dd", {}, text)])),
    ];
    const old = this.place.querySelector(".minitrend");
    const trend = other || !old ? el("figure", { className: "minitrend" }, el("figcaption", { className: "field-label" }, t("alarms.trend")), el("div", { className: "minitrend-chart" })) : old;
    if (other || !this.notes) this.notes = new Notes(alarm.id);
    this.place.replaceChildren(...parts, ...(alarm.inputs.length ? [trend] : []), this.notes.element);
    if (alarm.inputs.length && (other || !old)) this.#draw(trend.querySelector(".minitrend-chart"), alarm);
  }

  close() {
    this.model?.close();
    this.chart?.close();
    this.model = this.chart = this.notes = null;
    this.id = "";
    this.place.hidden = true;
    this.place.replaceChildren();
  }

  #draw(place, alarm) {
    this.model = new TrendModel({ buckets: 300 });
    const moment = Date.parse(alarm.raised ?? 0);
    const past = moment > 0 && live.serverNow() - moment > AROUND;
    this.model.window = past ? { live: false, from: moment - AROUND, to: moment + AROUND } : { live: true, span: 2 * AROUND };
    this.chart = new TrendChart(place, this.model, { compact: true });
    this.model.setTags(alarm.inputs.slice(0, 4));
  }
}
