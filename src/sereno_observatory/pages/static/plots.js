/** The past of what the environment agent says: one quantity at a time, over hours or days. */

import { TrendChart, TrendModel, bindings, el, formatUnit, live, penStyle, setText, svgEl, t } from "../../js/public.js";

const QUANTITIES = [
  ["temperature", ["weather_temperature", "site_temperature"]],
  ["humidity", ["weather_humidity", "site_humidity"]],
  ["wind", ["weather_wind"]],
  ["rain", ["weather_rain"]],
  ["cloud", ["weather_cloud"]],
  ["pressure", ["weather_pressure", "site_pressure"]],
  ["act", ["make_safe"]],
];
/** What a site says of an element that it has not. */
export const NO_SENSOR = "unknown: no sensor";
const SPANS = [["15min", 900e3], ["3h", 3 * 3600e3], ["12h", 12 * 3600e3], ["3d", 3 * 86400e3]];

function choices(place, options, label, chosen, choose) {
  const buttons = options.map((option) => el("button", {
    type: "button", className: "button", "aria-pressed": String(option === chosen),
    on: { click: (event) => {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      choose(option);
    } },
  }, label(option)));
  place.replaceChildren(...buttons);
}

function legend(model) {
  const lines = model.pens.map((pen, n) => {
    const { color, dash } = penStyle(n);
    const line = svgEl("line", { x1: 0, y1: 6, x2: 28, y2: 6, stroke: color, "stroke-width": 3, "stroke-dasharray": dash.join(" ") || "none" });
    const unit = formatUnit(pen.spec.unit);
    const name = pen.tag.split("/").at(-1);
    const words = t(`observatory.pen.${name}`);
    return el("li", {}, svgEl("svg", { class: "legend-line", viewBox: "0 0 28 12", "aria-hidden": "true" }, line), ` ${words}${unit ? ` (${unit})` : ""} `, el("sr-value", { tag: pen.tag }));
  });
  document.getElementById("legend").replaceChildren(...lines);
}

/** @param {string} environment the agent's path */
export function showPlots(environment) {
  const model = new TrendModel({ buckets: 600 });
  model.window = { live: true, span: SPANS[1][1] };
  const absent = new Set();
  let shown = QUANTITIES[0];
  const show = (quantity) => {
    shown = quantity;
    return model.setTags(quantity[1].filter((name) => !absent.has(name)).map((name) => `${environment}/${name}`));
  };
  for (const name of QUANTITIES.flatMap(([, names]) => names).filter((one) => one.startsWith("site_"))) {
    bindings.bind(`${environment}/${name}_means`, ({ value }) => {
      if ((value === NO_SENSOR) === absent.has(name)) return;
      absent[value === NO_SENSOR ? "add" : "delete"](name);
      if (shown[1].includes(name)) show(shown);
    });
  }
  choices(document.getElementById("quantities"), QUANTITIES, ([name]) => t(`observatory.quantity.${name}`), QUANTITIES[0], show);
  choices(document.getElementById("spans"), SPANS, ([name]) => t(`observatory.span.${name}`), SPANS[1], ([, span]) => model.setWindow({ live: true, span }));
  new TrendChart(document.getElementById("plot"), model);
  model.addEventListener("pens", () => legend(model));
  model.addEventListener("state", () => setText(document.getElementById("plot-note"), model.error));
  setInterval(() => model.refresh(), 5000);
  show(QUANTITIES[0]).then(() => shortAtFirst(model));
}

/** A site that has begun a moment ago has no hours to show: its quarter of an hour, unless somebody chose meanwhile. */
function shortAtFirst(model) {
  const begins = Math.min(...model.pens.map(({ points }) => points.t[points.value.findIndex(Number.isFinite)] ?? Infinity));
  const untouched = model.window.span === SPANS[1][1];
  if (untouched && begins * 1e3 > live.serverNow() - SPANS[0][1]) document.querySelector("#spans button").click();
}
