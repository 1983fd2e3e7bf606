/**
 * The causal graph, laid out by the server: click, or use keys, to choose n, A and m.
 * @module
 */
import { change } from "./address.js";
import { element, shape } from "./dom.js";
import { throwLasso } from "./lasso.js";

/**
 * @typedef {{key: string, lines: string[], name: string, variable: string, nudged: string,
 *   x: number, y: number, width: number, height: number}} DrawnNode
 * @typedef {{source: string, target: string, path: string, head: string}} DrawnArrow
 * @typedef {{width: number, height: number, nodes: DrawnNode[], arrows: DrawnArrow[],
 *   fault: string}} Plan
 * @typedef {{n: string, A: string[], m: string,
 *   variables: {n: string[], A: string[], m: string[]}}} Asked
 */

const PAD = 16;
/** The least of a picture, in points: so two nodes do not fill the page. */
const LEAST = { width: 300, height: 150 };
/** A larger one is not seen as a whole at first, for its names could not be read; in points. */
const LARGE = { width: 1100, height: 800 };
/** So much is seen of it then. */
const PART = { width: 700, height: 500 };
/** What a click chooses. */
export const MODES = { n: "nudged (n)", A: "held (A)", m: "looked at (m)" };
let mode = "n";
/**
 * The part of a graph that is seen; `isFirst` where nobody has moved it yet.
 * @type {{x: number, y: number, width: number, height: number, of: Plan, isFirst: boolean}|null}
 */
let seen = null;

/**
 * The part of the page with the graph in it.
 * @param {Plan} plan
 * @param {Asked} asked
 * @param {boolean} isFolded - whether each variable stands there once
 * @param {boolean} [isFixed] - whether nothing can be chosen in it
 * @returns {HTMLElement[]}
 */
export function graphPart(plan, asked, isFolded, isFixed = false) {
  if (plan.fault) return [element("p", { class: "note" }, plan.fault)];
  const svg = shape("svg", { class: `graph${isFixed ? " fixed" : ""}`, role: "group",
    "aria-label": `Causal graph.${isFixed ? "" : " On a node, the keys n, a and m choose it."}` });
  const nodes = new Map(plan.nodes.map((node) => [node.key, node]));
  svg.append(
    ...plan.arrows.map((arrow) => arrowShape(arrow, nodes, asked)),
    ...plan.nodes.map((node) => nodeShape(node, rolesOf(node, asked, isFolded), isFolded, isFixed)));
  const view = (next, isFirst = false) => {
    seen = { ...next, of: plan, isFirst };
    svg.setAttribute("viewBox", `${next.x} ${next.y} ${next.width} ${next.height}`);
  };
  const chosen = plan.nodes.filter((node) => rolesOf(node, asked, isFolded).length);
  const isKept = seen?.of === plan && !(seen.isFirst && chosen.some((node) => !holds(seen, node)));
  view(isKept ? seen : first(plan, chosen), isKept ? seen.isFirst : true);
  svg.addEventListener("focusin", ({ target }) => {
    const node = plan.nodes.find((one) => one.name === target.dataset.name);
    if (node && !holds(seen, node)) view(about(node, seen));
  });
  zooming(svg, () => seen, view, isFixed);
  const buttons = zoomButtons(() => seen, () => around(plan), view);
  const canvas = element("div", { class: "canvas" }, svg, buttons);
  return isFixed ? [canvas, legend("", "")] : [modes(), canvas,
    legend(" (shift-click, or shift-drag about several)", " (alt-click)")];
}

/** The box about a whole graph. @param {Plan} plan */
function around(plan) {
  const width = Math.max(plan.width + 2 * PAD, LEAST.width);
  const height = Math.max(plan.height + 2 * PAD, LEAST.height);
  return { x: (plan.width - width) / 2, y: (plan.height - height) / 2, width, height };
}

/** What is seen at first: all, or, of a graph too large to be read, what is about the chosen nodes. */
function first(plan, chosen) {
  const whole = around(plan);
  if (whole.width <= LARGE.width && whole.height <= LARGE.height) return whole;
  const aims = chosen.length ? chosen : plan.nodes.slice(0, 1);
  const [low, high] = [Math.min, Math.max].map((end) =>
    ({ x: end(...aims.map(({ x }) => x)), y: end(...aims.map(({ y }) => y)) }));
  const middle = { x: (low.x + high.x) / 2, y: (low.y + high.y) / 2 };
  return about(middle, {
    width: Math.min(whole.width, Math.max(PART.width, high.x - low.x + PART.width / 4)),
    height: Math.min(whole.height, Math.max(PART.height, high.y - low.y + PART.height / 4)) });
}

/** A box of a size about a place. */
function about({ x, y }, { width, height }) {
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** Whether a box has the middle of a node in it. */
function holds(box, { x, y }) {
  return Math.abs(x - box.x - box.width / 2) <= box.width / 2 && Math.abs(y - box.y - box.height / 2) <= box.height / 2;
}

/** @param {DrawnNode} node @param {Asked} asked @param {boolean} isFolded */
function rolesOf(node, asked, isFolded) {
  if (!node.name) return [];
  const is = (names) => names.includes(node.name) || names.includes(node.variable);
  const nudged = isFolded ? asked.variables.n.includes(node.variable) : asked.n === node.name;
  return [
    ...(nudged ? ["n"] : []),
    ...(is(asked.A) || (isFolded && is(asked.variables.A)) ? ["A"] : []),
    ...(is([asked.m]) || (isFolded && is(asked.variables.m)) ? ["m"] : [])];
}

/** @param {DrawnNode} node @param {string[]} roles @param {boolean} isFolded @param {boolean} isFixed */
function nodeShape(node, roles, isFolded, isFixed) {
  const { x, y, width, height, lines } = node;
  const text = lines.map((line, i) =>
    shape("text", { x, y: y + 4.5 - (roles.length ? 4 : 0) + 14 * (i - (lines.length - 1) / 2), "text-anchor": "middle" }, line));
  if (!node.name) return shape("g", { class: "gap" }, ...text);
  const drawn = outline(x, y, width / 2, height / 2, roles);
  const inner = roles.includes("m") ? [outline(x, y, width / 2 - 3.5, height / 2 - 3.5, roles)] : [];
  inner.forEach((one) => one.classList.add("inner"));
  const badge = roles.length ? [shape("text", { class: "badge", x, y: y + 13,
    "text-anchor": "middle" }, roles.join(", "))] : [];
  const said = roles.length ? `, chosen as ${roles.join(" and ")}` : "";
  return shape("g", {
    class: ["node", ...roles.map((role) => `role-${role}`)].join(" "), role: isFixed ? "img" : "button",
    "data-name": node.name, "data-variable": node.variable, "aria-label": `${lines.join(" ")}${said}`,
    ...(isFixed ? {} : { tabindex: 0,
      onclick: (event) => choose(node, event.shiftKey ? "A" : event.altKey ? "m" : mode, isFolded),
      onkeydown: (event) => keyed(event, node, isFolded) }),
  }, drawn, ...inner, ...text, ...badge);
}

/** Octagons are nudged, boxes held, as in the printed pictures; all else is round. */
function outline(x, y, a, b, roles) {
  if (roles.includes("A")) return shape("rect", { x: x - a, y: y - b, width: 2 * a, height: 2 * b });
  if (!roles.includes("n")) return shape("ellipse", { cx: x, cy: y, rx: a, ry: b });
  const c = 0.414;
  const corners = [[1, c], [c, 1], [-c, 1], [-1, c], [-1, -c], [-c, -1], [c, -1], [1, -c]];
  return shape("polygon", { points: corners.map(([i, j]) => `${x + i * a},${y + j * b}`).join(" ") });
}

/** @param {DrawnArrow} arrow @param {Map<string, DrawnNode>} nodes @param {Asked} asked */
function arrowShape(arrow, nodes, asked) {
  const target = nodes.get(arrow.target);
  // What A hears is what Y cuts.
  const isCut = asked.A.includes(target.name) || asked.A.includes(target.variable);
  return shape("g", { class: `arrow${isCut ? " cut" : ""}`,
    "data-source": nodes.get(arrow.source).name, "data-target": target.name,
    "data-from": nodes.get(arrow.source).variable, "data-to": target.variable },
    shape("path", { d: arrow.path }), shape("polygon", { points: arrow.head }));
}

/** @param {KeyboardEvent} event @param {DrawnNode} node @param {boolean} isFolded */
function keyed(event, node, isFolded) {
  const role = { n: "n", N: "n", a: "A", A: "A", m: "m", M: "m", Enter: mode, " ": mode }[event.key];
  if (!role || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  choose(node, role, isFolded);
}

/** @param {DrawnNode} node @param {string} role @param {boolean} isFolded */
function choose(node, role, isFolded) {
  change((asked) => {
    const parts = asked.getAll("A");
    const others = parts.filter((name) => name !== node.name && name !== node.variable);
    if (role === "n") asked.set("n", node.nudged);
    if (role === "m") asked.set("m", node.name);
    // What is nudged or looked at cannot be held.
    const added = role === "A" && others.length === parts.length ? [node.name] : [];
    asked.delete("A");
    const chosen = [...others.filter((name) => name), ...added];
    (chosen.length ? chosen : [""]).forEach((name) => asked.append("A", name));
  });
}

function modes() {
  const radios = Object.entries(MODES).map(([role, words]) =>
    element("label", {}, element("input", { type: "radio", name: "mode", value: role,
      checked: role === mode, onchange: () => { mode = role; } }), words));
  return element("fieldset", { class: "modes" }, element("legend", {}, "A click chooses what is"), ...radios);
}

/** @param {string} byA @param {string} byM - how each is chosen */
function legend(byA, byM) {
  const entry = (roles, words) => element("span", { class: "entry" },
    shape("svg", { viewBox: "0 0 26 20", class: "key", "aria-hidden": true },
      shape("g", { class: ["node", ...roles.map((r) => `role-${r}`)].join(" ") },
        outline(13, 10, 11, 8, roles), ...(roles.includes("m") ? [outline(13, 10, 8.5, 5.5, roles)] : []))),
    words);
  return element("p", { class: "entries legend" },
    entry(["n"], "n: nudged"), entry(["A"], `A: held in Y${byA}`), entry(["m"], `m: looked at${byM}`));
}

/** Wheel and drag; with shift, a drag is a lasso, where something can be chosen. */
function zooming(svg, box, view, isFixed) {
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view(zoomed(box(), event.deltaY > 0 ? 1.15 : 1 / 1.15));
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    if (event.target.closest(".node") && !isFixed) return;
    if (event.shiftKey && !isFixed) {
      event.preventDefault();
      throwLasso(svg, event);
      return;
    }
    const from = { x: event.clientX, y: event.clientY }, start = box();
    const scale = start.width / svg.getBoundingClientRect().width;
    const move = (now) => view({ ...start, x: start.x - (now.clientX - from.x) * scale,
      y: start.y - (now.clientY - from.y) * scale });
    svg.addEventListener("pointermove", move);
    const done = () => svg.removeEventListener("pointermove", move);
    svg.addEventListener("pointerup", done, { once: true });
    svg.addEventListener("pointerleave", done, { once: true });
  });
}

/** @param {() => Object} box @param {() => Object} whole @param {(next: Object) => void} view */
function zoomButtons(box, whole, view) {
  const button = (text, words, next) => element("button", { type: "button", "aria-label": words,
    title: words, onclick: () => view(next()) }, text);
  return element("p", { class: "zoom" },
    button("+", "Larger", () => zoomed(box(), 1 / 1.3)), button("−", "Smaller", () => zoomed(box(), 1.3)),
    button("⤢", "All of it", whole));
}

/** A box about the same middle. */
function zoomed(box, by) {
  const width = box.width * by, height = box.height * by;
  return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height };
}
