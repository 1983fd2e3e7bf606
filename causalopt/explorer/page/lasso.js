/**
 * A lasso: a drag with shift about nodes of the graph adds them to A.
 * @module
 */
import { change } from "./address.js";
import { shape } from "./dom.js";

/**
 * Begin at a place of the graph; what lies inside when the pointer is let go is held.
 * @param {SVGSVGElement} svg
 * @param {PointerEvent} event
 */
export function throwLasso(svg, event) {
  const points = [at(svg, event)];
  const line = shape("polygon", { class: "lasso" });
  svg.append(line);
  svg.setPointerCapture(event.pointerId);
  const move = (now) => {
    points.push(at(svg, now));
    line.setAttribute("points", points.map(({ x, y }) => `${x},${y}`).join(" "));
  };
  const done = (now) => {
    svg.removeEventListener("pointermove", move);
    svg.removeEventListener("pointerup", done);
    svg.removeEventListener("pointercancel", done);
    line.remove();
    if (now.type === "pointerup") hold(caught(svg, points));
  };
  svg.addEventListener("pointermove", move);
  svg.addEventListener("pointerup", done);
  svg.addEventListener("pointercancel", done);
}

/**
 * A place of the pointer in the graph's own measure.
 * @param {SVGSVGElement} svg
 * @param {PointerEvent} event
 */
function at(svg, event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
}

/**
 * The names of the nodes whose middle lies inside; what is nudged or looked at cannot be held.
 * @param {SVGSVGElement} svg
 * @param {DOMPoint[]} points
 */
function caught(svg, points) {
  return [...svg.querySelectorAll(".node:not(.role-n, .role-m)")].filter((node) => {
    const { x, y, width, height } = node.firstElementChild.getBBox();
    return isInside({ x: x + width / 2, y: y + height / 2 }, points);
  }).map((node) => node.dataset.name);
}

/** Whether a ray to the right crosses the line an odd number of times. */
function isInside({ x, y }, points) {
  return points.reduce((inside, p, i) => {
    const q = points.at(i - 1);
    const crosses = (p.y > y) !== (q.y > y) && x < ((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x;
    return crosses ? !inside : inside;
  }, false);
}

/** @param {string[]} names */
function hold(names) {
  if (!names.length) return;
  change((asked) => {
    const known = asked.getAll("A").filter((name) => name);
    asked.delete("A");
    [...new Set([...known, ...names])].forEach((name) => asked.append("A", name));
  });
}
