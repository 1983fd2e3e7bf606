/**
 * Shares as strokes of the graph, as wide as the printed pictures draw them.
 * @module
 */
import { part } from "./dom.js";

/**
 * @typedef {{width: number, colour: string, dashed: boolean}} Look
 * @typedef {{nodes: Object<string, Look>, arrows: (Look & {source: string, target: string})[]}} Strokes
 */

/** @type {Strokes|null} */
let shown = null;

/** Draw these strokes from now on; null draws none. @param {Strokes|null} strokes */
export function drawStrokes(strokes) {
  shown = strokes;
  paintStrokes();
}

/** Draw them on the graph that is there now. */
export function paintStrokes() {
  const graph = part("graph").querySelector("svg.graph");
  if (!graph) return;
  for (const node of graph.querySelectorAll(".node"))
    dress(node.querySelectorAll("ellipse, rect, polygon"), shown?.nodes[node.dataset.variable]);
  for (const arrow of graph.querySelectorAll(".arrow")) {
    const { from, to } = arrow.dataset;
    dress(arrow.querySelectorAll("path"),
      shown?.arrows.find(({ source, target }) => source === from && target === to));
  }
}

/** @param {NodeListOf<SVGElement>} shapes @param {Look|undefined} look */
function dress(shapes, look) {
  for (const { style } of shapes) {
    style.stroke = look?.width ? look.colour : "";
    style.strokeWidth = look?.width ? String(look.width) : "";
    style.strokeDasharray = !look?.width ? "" : look.dashed ? "6 4" : "none";
  }
}
