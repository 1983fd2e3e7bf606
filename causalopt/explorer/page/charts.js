/**
 * All curves of the page, as wide as their place.
 * @module
 */
import { keepFocus, part } from "./dom.js";
import { figure } from "./plot.js";

/** @param {import("./plot.js").Chart[]} charts */
export function drawCharts(charts) {
  const place = part("charts");
  place.classList.remove("stale");
  const width = Math.max(260, Math.floor(place.clientWidth));
  const shown = charts.filter((chart) => chart.fault || chart.traces.length);
  keepFocus(place, () => place.replaceChildren(...shown.map((chart) => figure(chart, width))));
}
