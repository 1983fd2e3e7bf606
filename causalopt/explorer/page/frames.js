/**
 * A picture that changes with time: bars over an axis, or dots upon a curve, and a slider for when.
 * @module
 */
import { element, shape } from "./dom.js";
import { short, ticks } from "./numbers.js";

const LEFT = 52, TOP = 10, BOTTOM = 40, RIGHT = 12, WIDE = 340, TALL = 190, LARGEST = 16;
/** How wide a letter is, at most, and what is between two names. */
const LETTER = 7.5, GAP_OF_NAMES = 6;
/** From so many pixels on there is room for two beside each other, with a gap between them. */
const TWO_COLUMNS = 760, GAP = 40;

/**
 * Bars of a density at each moment, and lines that stay.
 * @param {{edges: number[], bars: number[][], times: number[], name: string}} told
 * @param {{role: string, values: number[]}[]} lines - over the same bars
 * @returns {HTMLElement}
 */
export function histogram({ edges, bars, times, name }, lines) {
  const last = bars[bars.length - 1];
  // The first moments are as narrow as one bar: what comes later is to be seen.
  const high = 1.15 * Math.max(...last, ...lines.flatMap(({ values }) => values));
  const x = axis(edges[0], edges[edges.length - 1], LEFT, LEFT + WIDE), y = axis(0, high, TOP + TALL, TOP);
  const boxes = last.map((_, i) => shape("rect", { class: "bar-of-density", x: x(edges[i]),
    width: Math.max(0.5, x(edges[i + 1]) - x(edges[i]) - 0.6) }));
  const show = (k) => bars[k].forEach((height, i) => {
    const top = Math.max(y(height), TOP);
    boxes[i].setAttribute("y", top);
    boxes[i].setAttribute("height", TOP + TALL - top);
  });
  const stairs = lines.map(({ role, values }) => shape("path", { class: `stairs ${role}`, d: values.map((height, i) =>
    `${i ? "L" : "M"}${x(edges[i])} ${y(height)}L${x(edges[i + 1])} ${y(height)}`).join("") }));
  const marks = [...across(ticks(edges[0], edges[edges.length - 1], 5).map((value) => [x(value), short(value, 3)]), name),
    ...upward(ticks(0, high, 4), y)];
  return film([...marks, ...boxes, ...stairs], times, show, `Distribution of ${name}`);
}

/**
 * Dots upon a landscape, as large as their share of the chains.
 * @param {{names: string[], heights: (number|null)[], shares: number[][], times: number[], state: string,
 *   energy: string}} told
 * @returns {HTMLElement}
 */
export function dotsUpon({ names, heights, shares, times, state, energy }) {
  const seen = heights.filter((height) => height !== null);
  const low = Math.min(...seen), high = Math.max(...seen), room = 0.14 * (high - low || 1);
  const x = axis(-0.5, names.length - 0.5, LEFT, LEFT + WIDE), y = axis(low - room, high + room, TOP + TALL, TOP);
  let pen = "M";
  const path = heights.map((height, i) => {
    if (height === null) { pen = "M"; return ""; }
    const part = `${pen}${x(i)} ${y(height)}`;
    pen = "L";
    return part;
  }).join("");
  const dots = names.map((name, i) => shape("circle", { class: "chains", cx: x(i), cy: y(heights[i] ?? high),
    visibility: heights[i] === null ? "hidden" : "visible" }));
  const show = (k) => shares[k].forEach((share, i) => dots[i].setAttribute("r", LARGEST * Math.sqrt(share)));
  const words = names.map((name) => (name.length > 8 ? `${name.slice(0, 7)}…` : name));
  const every = Math.ceil(names.length * (GAP_OF_NAMES + LETTER * Math.max(...words.map((name) => name.length))) / WIDE);
  const places = words.map((name, i) => [x(i), name]).filter((_, i) => i % every === 0);
  return film([...across(places, state), ...upward(ticks(low, high, 4), y), shape("path", { class: "heights", d: path }), ...dots],
    times, show, `${energy} over ${state}, and the chains upon it`);
}

/** How wide a chart beside such a picture is, or below it where the window is narrow. @param {HTMLElement} place */
export function beside(place) {
  const room = place.clientWidth;
  return Math.max(260, Math.floor(room > TWO_COLUMNS ? (room - GAP) / 2 : room));
}

/** The picture, and the slider that says which moment it shows: the last one first. */
function film(content, times, show, label) {
  const said = element("output", { class: "dim" });
  const field = element("input", { type: "range", min: 0, max: times.length - 1, step: 1, value: times.length - 1,
    "aria-label": "time", oninput: () => look() });
  const look = () => {
    const k = Number(field.value);
    show(k);
    said.textContent = `t = ${short(times[k])}`;
    field.setAttribute("aria-valuetext", said.textContent);
  };
  look();
  return element("div", { class: "film" },
    shape("svg", { class: "frames", viewBox: `0 0 ${LEFT + WIDE + RIGHT} ${TOP + TALL + BOTTOM}`, role: "img", "aria-label": label }, ...content),
    element("label", { class: "moment" }, field, said));
}

function axis(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

function* across(places, name) {
  for (const [at, words] of places)
    yield shape("text", { x: at, y: TOP + TALL + 15, "text-anchor": "middle" }, words);
  yield shape("text", { x: LEFT + WIDE / 2, y: TOP + TALL + 33, "text-anchor": "middle" }, name);
}

function* upward(values, y) {
  for (const value of values) {
    yield shape("path", { class: "grid", d: `M${LEFT} ${y(value)}h${WIDE}` });
    yield shape("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value, 3));
  }
}
