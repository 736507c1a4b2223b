/** Charts of the means and ranges of subgroups (X-bar, R), after Shewhart. */

import { el, svgEl } from "../dom.js";
import { formatUnit } from "../format.js";
import { t } from "../i18n.js";

const WIDTH = 600;
const HEIGHT = 90;
const PAD = 6;

/**
 * A pair of charts for each tag that has subgroups.
 * @param {any[]} tags
 * @param {(name: string, value: number | null) => string} figure
 */
export function controlCharts(tags, figure) {
  return tags.filter(({ chart }) => chart.count > 1).map(({ tag, unit, chart }) => {
    const title = `${tag} ${unit ? `[${formatUnit(unit)}]` : ""}`.trim();
    const means = { name: "mean", values: chart.means, lower: chart.mean_lower, centre: chart.mean, upper: chart.mean_upper, beyond: chart.means_beyond };
    const ranges = { name: "range", values: chart.ranges, lower: 0, centre: chart.range, upper: chart.range_upper, beyond: chart.ranges_beyond };
    return el("section", { className: "control-chart", dataset: { chart: tag } }, el("h3", {}, title),
      el("p", { className: "page-sub" }, t("trend.chart", { size: chart.size, count: chart.count })), ...[means, ranges].map((one) => drawn(one, figure)));
  });
}

function drawn({ name, values, lower, centre, upper, beyond }, figure) {
  const words = t(`trend.chart_${name}`, { lower: figure("", lower), centre: figure("", centre), upper: figure("", upper), beyond });
  const [low, high] = [Math.min(lower, ...values), Math.max(upper, ...values)];
  const y = (value) => (high > low ? HEIGHT - PAD - ((value - low) / (high - low)) * (HEIGHT - 2 * PAD) : HEIGHT / 2);
  const x = (n) => PAD + (n * (WIDTH - 2 * PAD)) / Math.max(1, values.length - 1);
  const line = (value, kind) => svgEl("line", { x1: 0, x2: WIDTH, y1: y(value), y2: y(value), class: kind });
  const dots = values.flatMap((value, n) => (value < lower || value > upper ? [svgEl("circle", { cx: x(n), cy: y(value), r: 3, class: "is-beyond" })] : []));
  const course = svgEl("polyline", { points: values.map((value, n) => `${x(n).toFixed(1)},${y(value).toFixed(1)}`).join(" "), class: "course" });
  return el("figure", {}, svgEl("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
    line(lower, "limit"), line(upper, "limit"), line(centre, "centre"), course, ...dots), el("figcaption", {}, words));
}
