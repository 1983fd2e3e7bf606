/**
 * Curves over an axis: as SVG, with the values under the pointer, which arrow keys move too.
 * @module
 */
import { element, shape } from "./dom.js";
import { powers, short, ticks } from "./numbers.js";

/**
 * @typedef {{name: string, role: string, values: (number|null)[]}} Trace
 * @typedef {{key: string, title: string, x_label: string, y_label: string, x: number[],
 *   labels: string[], names: string[], traces: Trace[], scale: string, note: string,
 *   fault: string}} Chart
 * @typedef {{low: number, high: number, place: (value: number) => number}} Axis
 */

const HEIGHT = 190;
/** How wide a digit of a tick is, at most. */
const DIGIT = 8;
/** The most letters of a number beside the axis. */
const WIDEST = 6;
const MARGIN = { top: 10, right: 14, bottom: 36, left: 68 };
/** Where the pointer is, by chart: it stays when the curves move. */
const pointers = new Map();

/**
 * A chart as a figure of the page.
 * @param {Chart} chart
 * @param {number} width - in pixels
 * @returns {HTMLElement}
 */
export function figure(chart, width) {
  const readout = element("output", { class: "readout" });
  const head = element(
    "figcaption", {},
    element("h2", {}, chart.title),
    ...(chart.fault ? [] : [legend(chart)]),
  );
  if (chart.fault)
    return element("figure", { "data-chart": chart.key }, head,
      element("p", { class: "fault", role: "alert" }, chart.fault));
  return element("figure", { "data-chart": chart.key }, head, picture(chart, width, readout), readout,
    element("p", { class: "note" }, chart.note));
}

/** @param {Chart} chart */
function legend(chart) {
  const entries = chart.traces.filter((trace) => trace.role !== "band").map((trace) =>
    element("span", { class: "entry" },
      shape("svg", { viewBox: "0 0 24 8", class: "key", "aria-hidden": true },
        shape("path", { d: "M1 4H23", class: `line ${trace.role}` })),
      trace.name));
  return element("span", { class: "entries" }, ...entries);
}

/** @param {Chart} chart @param {number} width @param {HTMLElement} readout */
function picture(chart, width, readout) {
  const x = across(chart, width), y = up(chart);
  const marks = chart.labels.length ? dots(chart, x, y) : lines(chart, x, y);
  const cursor = shape("g", { class: "cursor" });
  const svg = shape("svg", {
    class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, tabindex: 0,
    role: "img", "aria-label": spoken(chart),
  }, ...frame(chart, x, y, width), ...marks, cursor);
  const look = (place) => point(chart, x, y, place, cursor, readout);
  follow(svg, chart, x, look);
  look(pointers.get(chart.key) ?? null);
  return svg;
}

/** What is read to those who do not see the curves. @param {Chart} chart */
function spoken(chart) {
  const ends = chart.traces.map((t) => `${t.name} ends at ${valueText(chart, t.values.at(-1) ?? null)}`);
  return `${chart.title}: ${ends.join(", ")}. Arrow keys read values.`;
}

/** @param {Chart} chart @param {number} width @returns {Axis} */
function across(chart, width) {
  const room = chart.labels.length ? 0.5 : 0;
  return axis(chart.x[0] - room, chart.x.at(-1) + room, MARGIN.left, width - MARGIN.right);
}

/** @param {Chart} chart @returns {Axis} */
function up(chart) {
  const seen = chart.traces.flatMap((t) => t.values.map((v) => sized(chart, v)))
    .filter((v) => v !== null);
  let low = Math.min(...seen), high = Math.max(...seen);
  if (!seen.length) [low, high] = [0, 1];
  if (chart.names.length) [low, high] = [-0.3, chart.names.length - 0.7];
  else if (chart.key === "op" || chart.key === "differences")
    if (chart.scale === "linear") [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  // What hardly moves is drawn as a line that does not.
  const least = Math.max(Math.abs(low), Math.abs(high)) * 1e-9 || 1;
  const room = Math.max(0.06 * (high - low), least);
  return axis(low - room, high + room, HEIGHT - MARGIN.bottom, MARGIN.top);
}

/** @param {number} low @param {number} high @param {number} from @param {number} to @returns {Axis} */
function axis(low, high, from, to) {
  const size = high - low || 1;
  return { low, high, place: (v) => from + ((v - low) / size) * (to - from) };
}

/** A value as it is drawn; null where it has no place. @param {Chart} chart @param {number|null} value */
function sized(chart, value) {
  if (value === null) return null;
  if (chart.scale !== "log") return value;
  return value === 0 ? null : Math.log10(Math.abs(value));
}

/** @param {Chart} chart @param {Axis} x @param {Axis} y @param {number} width */
function* frame(chart, x, y, width) {
  const bottom = HEIGHT - MARGIN.bottom;
  for (const [value, text] of marksUp(chart, y)) {
    const at = y.place(value);
    yield shape("path", { class: value === 0 && chart.scale === "linear" ? "zero" : "grid",
      d: `M${MARGIN.left} ${at}H${width - MARGIN.right}` });
    yield shape("text", { class: "tick", x: MARGIN.left - 7, y: at + 4, "text-anchor": "end" }, text);
  }
  const every = Math.ceil((chart.labels.length * 44) / (width - MARGIN.left));
  const marks = chart.labels.length
    ? chart.labels.map((label, i) => [i, label]).filter(([i]) => i % every === 0)
    : ticks(x.low, x.high, width / 110).map((v) => [v, short(v)]);
  for (const [value, text] of marks)
    yield shape("text", { class: "tick", x: inside(x.place(value), cut(String(text), 9), width), y: bottom + 16,
      "text-anchor": "middle" }, cut(String(text), 9));
  yield shape("text", { class: "label", x: width - MARGIN.right, y: HEIGHT - 4, "text-anchor": "end" },
    chart.x_label);
  const label = chart.scale === "log" ? `size of ${chart.y_label}` : chart.y_label;
  yield shape("text", { class: "label", transform: `translate(11 ${(bottom + MARGIN.top) / 2}) rotate(-90)`,
    "text-anchor": "middle" }, cut(label, 30));
}

/** A number beside an axis, with a power of ten where it has no room otherwise. @param {number} value */
function brief(value) {
  const text = short(value).replace("e+", "e");
  return text.length <= WIDEST ? text : value.toExponential(1).replace("e+", "e").replace(/-/g, "−");
}

/** The middle of a text that stands about a place, and ends before the edge. */
function inside(place, text, width) {
  return Math.min(place, width - 1 - text.length * DIGIT / 2);
}

/** @param {Chart} chart @param {Axis} y @returns {[number, string][]} */
function marksUp(chart, y) {
  if (chart.names.length) return chart.names.map((name, i) => [i, cut(name, 8)]);
  if (chart.scale !== "log") return ticks(y.low, y.high, 4).map((v) => [v, brief(v)]);
  return powers(y.low, y.high, 4).map((p) => [p, `1e${short(p)}`]);
}

/** @param {Chart} chart @param {Axis} x @param {Axis} y */
function lines(chart, x, y) {
  return chart.traces.map((trace) => {
    let pen = "M";
    const path = [];
    trace.values.forEach((value, i) => {
      const at = sized(chart, value);
      if (at === null) { pen = "M"; return; }
      path.push(`${pen}${x.place(chart.x[i]).toFixed(1)} ${y.place(at).toFixed(1)}`);
      pen = "L";
    });
    return shape("path", { class: `line ${trace.role}`, d: path.join("") });
  });
}

/** @param {Chart} chart @param {Axis} x @param {Axis} y */
function dots(chart, x, y) {
  return chart.traces.flatMap((trace, k) => trace.values.flatMap((value, i) => {
    const at = sized(chart, value);
    const aside = 7 * (k - (chart.traces.length - 1) / 2);
    return at === null ? [] : [shape("circle", { class: `dot ${trace.role}`, r: 4,
      cx: x.place(i) + aside, cy: y.place(at) })];
  }));
}

/** @param {SVGElement} svg @param {Chart} chart @param {Axis} x @param {(i: number|null) => void} look */
function follow(svg, chart, x, look) {
  const places = chart.x.map((v) => x.place(v));
  svg.addEventListener("pointermove", (event) => {
    const at = event.clientX - svg.getBoundingClientRect().left;
    look(nearest(places, at));
  });
  svg.addEventListener("pointerleave", () => look(null));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (step === undefined && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    const last = places.length - 1, now = pointers.get(chart.key) ?? last;
    look(event.key === "Home" ? 0 : event.key === "End" ? last
      : Math.min(last, Math.max(0, now + step)));
  });
}

/** @param {number[]} places @param {number} at */
function nearest(places, at) {
  let best = 0;
  places.forEach((place, i) => { if (Math.abs(place - at) < Math.abs(places[best] - at)) best = i; });
  return best;
}

/** Show the values at a place; at none, the last ones. */
function point(chart, x, y, place, cursor, readout) {
  if (place === null) pointers.delete(chart.key);
  else pointers.set(chart.key, place);
  const i = Math.min(place ?? chart.x.length - 1, chart.x.length - 1);
  if (i < 0) return;
  const where = chart.labels.length ? chart.labels[i] : `t = ${short(chart.x[i], 9)}`;
  readout.replaceChildren(element("span", {}, where), ...chart.traces.map((trace) =>
    element("span", { class: `value ${trace.role}` }, `${trace.name} `,
      element("b", {}, valueText(chart, trace.values[i])))));
  cursor.replaceChildren(...(place === null ? [] : [
    shape("path", { d: `M${x.place(chart.x[i])} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}` }),
    ...chart.traces.flatMap((trace) => {
      const at = sized(chart, trace.values[i]);
      return at === null || chart.labels.length ? [] : [shape("circle", { r: 3.5,
        class: `dot ${trace.role}`, cx: x.place(chart.x[i]), cy: y.place(at) })];
    })]));
}

/** @param {Chart} chart @param {number|null} value */
function valueText(chart, value) {
  return value !== null && chart.names.length ? chart.names[value] ?? short(value) : short(value, 8);
}

/** @param {string} text @param {number} most */
function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
