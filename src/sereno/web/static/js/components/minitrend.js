/** The last minutes of one tag in a faceplate: the trend's own model and chart, small. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { TrendChart } from "../trend/chart.js";
import { TrendModel } from "../trend/model.js";

const SPAN = 600e3;

export class MiniTrend {
  /** @param {string} tag */
  constructor(tag) {
    this.tag = tag;
    this.place = el("div", { className: "minitrend-chart" });
    this.element = el("figure", { className: "minitrend" }, el("figcaption", { className: "field-label" }, t("faceplate.last_minutes")), this.place);
    this.model = new TrendModel({ buckets: 300 });
    this.chart = null;
  }

  /** Call when the element is in the page. */
  start() {
    this.model.window = { live: true, span: SPAN };
    this.chart = new TrendChart(this.place, this.model, { compact: true });
    this.model.setTags([this.tag]);
  }

  close() {
    this.model.close();
    this.chart?.close();
  }
}
