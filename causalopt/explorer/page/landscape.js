/**
 * A landscape: Op over one or two of the values that can be moved, coarse first and then finer.
 * @module
 */
import { change, current, note, relevant, whenChanged } from "./address.js";
import { demand } from "./demand.js";
import { element, seen, shape } from "./dom.js";
import { short, ticks } from "./numbers.js";

/** How many places each axis has, from the first picture to the last. */
const GRIDS = [9, 17, 33].map((places) => ({ places }));
const LEFT = 62, TOP = 10, BOTTOM = 40, SIDE = 320, CURVE = 200;

/** @param {Object} facts @returns {HTMLElement[]} */
export function landscapePart(facts) {
  const known = facts.axes;
  const asks = current().getAll("along");
  const [a, b] = asks.length ? asks : facts.along;
  const first = choice("over", known, a), second = choice("and over", [{ key: "", name: "nothing else" }, ...known], b ?? "");
  let over = [];
  const choose = () => {
    over = [...new Set([first.field.value, second.field.value].filter((key) => key))];
    note((now) => { now.delete("along"); over.forEach((key) => now.append("along", key)); });
  };
  // What it is over is no matter: there it has all values.
  const { button, stop, bar, status, result } = demand("landscape", "Draw the landscape", drawn,
    { matters: (asked) => relevant(asked, [], ["show", ...over]), before: choose, drops: true, stages: GRIDS });
  whenChanged(() => mark(result));
  return [
    element("p", { class: "note" }, "How strongly does A steer m, were the model another one? A click, or Enter, "
      + "moves the sliders there; arrow keys go from place to place."),
    element("p", { class: "buttons" }, first.label, second.label, button, stop, bar, status), result];
}

/** @param {string} words @param {Object[]} known @param {string} chosen */
function choice(words, known, chosen) {
  const field = element("select", {}, ...known.map(({ key, name, kind }) =>
    element("option", { value: key, selected: key === chosen }, kind === "start value" ? `start of ${name}` : name)));
  return { field, label: element("label", {}, `${words} `, field) };
}

/** @param {Object} told @returns {(Node|string)[]} */
function drawn(told) {
  const [across, up] = told.axes, count = across.values.length;
  const height = up ? SIDE : CURVE, legend = told.legend;
  const low = legend[0].value, high = legend[legend.length - 1].value;
  const tall = up ? ends(up.values) : [low, high === low ? low + 1 : high];
  const x = (value) => LEFT + SIDE * part(value, ends(across.values));
  const y = (value) => TOP + height * (1 - part(value, tall));
  const said = element("output", { class: "dim" });
  const cursor = shape("rect", { class: "cursor", visibility: "hidden" });
  const wide = SIDE / count, high1 = up ? SIDE / count : CURVE;
  let at = [Math.floor(count / 2), up ? Math.floor(count / 2) : 0];
  const show = (j, i) => {
    at = [j, i];
    const words = told.axes.map((axis, k) => `${axis.name} = ${short(axis.values[at[k]])}`).join(", ");
    said.textContent = `${seen(words)}: Op ${told.values[i][j] === null ? "is undefined" : `= ${short(told.values[i][j])} nat`}`;
    for (const [key, value] of Object.entries({ x: LEFT + j * wide, width: wide, height: high1, visibility: "visible",
      y: up ? TOP + (count - 1 - i) * high1 : TOP })) cursor.setAttribute(key, value);
  };
  const go = () => change((asked) => told.axes.forEach((axis, k) => asked.set(axis.key, String(axis.values[at[k]]))));
  const move = (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (event.key === "Enter") go();
    else if (dx === undefined) return;
    else show(clamp(at[0] + dx, count), up ? clamp(at[1] + dy, count) : 0);
    event.preventDefault();
  };
  const cells = told.values.flatMap((row, i) => row.map((value, j) => shape("rect", { class: "place",
    x: LEFT + j * wide, y: up ? TOP + (count - 1 - i) * high1 : TOP, width: wide + 0.4, height: high1 + (up ? 0.4 : 0),
    fill: up ? told.colours[i][j] : "transparent", onpointermove: () => show(j, i), onclick: () => { show(j, i); go(); } })));
  const line = up ? [] : [shape("polyline", { class: "ridge", points: told.values[0].map((value, j) =>
    value === null ? "" : `${LEFT + (j + 0.5) * wide},${y(value)}`).join(" ") })];
  const axes = [...ticks(...ends(across.values), 5).map((value) => shape("text", { x: spot(x(value), LEFT, count), y: TOP + height + 16,
    "text-anchor": "middle" }, short(value, 3))), shape("text", { x: LEFT + SIDE / 2, y: TOP + height + 34, "text-anchor": "middle" }, named(across)),
  ...ticks(...tall, 5).map((value) => shape("text", { x: LEFT - 6, y: (up ? turned(y(value), count) : y(value)) + 4, "text-anchor": "end" }, short(value, 3)))];
  const picture = shape("svg", { class: "landscape", viewBox: `0 0 ${LEFT + SIDE + 16} ${TOP + height + BOTTOM}`, tabindex: 0, role: "img",
    "aria-label": `Op over ${told.axes.map(named).join(" and ")}`, onkeydown: move }, ...line, ...cells, ...axes, border(told.basins, wide, high1), cursor,
  shape("circle", { class: "here", r: 5, "data-axes": JSON.stringify(told.axes.map(({ key, values }) => [key, ...ends(values)])),
    "data-count": count, "data-tall": height }));
  const colours = up ? [element("p", { class: "note" }, ...legend.flatMap(({ value, colour }) => [
    shape("svg", { width: 14, height: 14, "aria-hidden": "true" }, shape("rect", { width: 14, height: 14, fill: colour })), ` ${short(value, 3)}  `]), "nat")] : [];
  const upward = element("p", { class: "note" }, up ? `Upwards: ${named(up)}` : "Upwards: Op [nat]");
  queueMicrotask(() => picture.parentNode && mark(picture.parentNode));
  const words = [told.note && `Op ${told.note}.`, told.missing, basinWords(Math.max(...told.basins.flat()))].filter((text) => text);
  return [upward, picture, element("p", {}, said), ...colours, element("p", { class: "note" }, words.join(" "))];
}

/** @param {number} count */
function basinWords(count) {
  if (!count) return "Nowhere here does A steer m.";
  return `Outlined: where A steers m (Op > 0), ${count === 1 ? "one basin" : `${count} basins`}.`;
}

/** The outlines of basins: wherever places of two of them, or of one and none, touch. */
function border(basins, wide, high) {
  const rows = basins.length, columns = basins[0].length, lines = [];
  const at = (i, j) => basins[i]?.[j] ?? 0;
  const x = (j) => LEFT + j * wide, y = (i) => TOP + (rows - i) * high;
  for (let i = 0; i <= rows; i++)
    for (let j = 0; j <= columns; j++) {
      if (at(i, j) !== at(i, j - 1)) lines.push(`M${x(j)} ${y(i)}V${y(i + 1)}`);
      if (at(i, j) !== at(i - 1, j)) lines.push(`M${x(j)} ${y(i)}H${x(j + 1)}`);
    }
  return shape("g", { class: "basins" }, ...["under", "over"].map((kind) => shape("path", { class: kind, d: lines.join("") })));
}

/** Mark the place of the sliders, where it is in the picture. @param {Node} place */
function mark(place) {
  const here = place.querySelector(".here");
  if (!here) return;
  const count = Number(here.dataset.count), tall = Number(here.dataset.tall);
  const parts = JSON.parse(here.dataset.axes).map(([key, low, high]) => {
    const opening = document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.dataset.opening;
    return part(Number(current().get(key) ?? opening), [low, high]);
  });
  const [across, up = 0.5] = parts;
  here.setAttribute("visibility", parts.every((value) => value >= 0 && value <= 1) ? "visible" : "hidden");
  here.setAttribute("cx", spot(LEFT + SIDE * across, LEFT, count));
  here.setAttribute("cy", parts.length > 1 ? turned(TOP + SIDE * (1 - up), count) : TOP + tall - 8);
}

const ends = (values) => [values[0], values[values.length - 1]];
const part = (value, [low, high]) => (value - low) / (high - low || 1);
const clamp = (i, count) => Math.max(0, Math.min(count - 1, i));
const named = ({ name, unit }) => (unit ? `${name} [${unit}]` : name);
/** A place is as wide as its share of the axis: its value stands in its middle. */
const spot = (at, from, count) => from + (at - from) * (count - 1) / count + SIDE / count / 2;
const turned = (at, count) => spot(at, TOP, count);
