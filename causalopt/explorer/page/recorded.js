/**
 * What was computed before the page was written: it answers in the place of a server.
 * @module
 */
import { part } from "./dom.js";

/**
 * @typedef {{key: string, name: string, kind: string, unit: string, values: (number|string)[],
 *   own: number}} Axis
 * @typedef {{title: string, source: string, called: string, has_noise: boolean, axes: Axis[],
 *   moved: [string, string][],
 *   graph: import("./graph.js").Plan, points: Object[]}} Recorded
 */

/** @type {Recorded} */
export const recorded = JSON.parse(part("recorded").textContent);

/**
 * The place on each axis that an address asks for, or the nearest one.
 * @param {URLSearchParams} asked
 * @returns {number[]}
 */
export function placesOf(asked) {
  return recorded.axes.map((axis) => nearest(axis, asked.get(axis.key)));
}

/**
 * What was computed at places: those of the last axis run fastest.
 * @param {number[]} places
 * @returns {Object}
 */
export function pointAt(places) {
  return recorded.points[places.reduce((at, place, i) => at * recorded.axes[i].values.length + place, 0)];
}

/**
 * The answer to a question, as from a server.
 * @param {string} what
 * @param {{address: string}} said
 * @returns {Promise<Object>}
 */
export async function ask(what, { address }) {
  const point = pointAt(placesOf(new URLSearchParams(address)));
  return what === "code" ? { script: point.script, fault: point.fault } : point;
}

/** @returns {Promise<{fault: string}>} */
export async function numbers() {
  return { fault: "The numbers of all steps are on the page of a server alone." };
}

/** @param {Axis} axis @param {string|null} text */
function nearest({ values, own }, text) {
  const named = values.indexOf(text);
  if (named >= 0) return named;
  const asked = Number(text);
  if (text === null || text.trim() === "" || !Number.isFinite(asked) || typeof values[0] === "string") return own;
  const far = values.map((value) => Math.abs(value - asked));
  return far.indexOf(Math.min(...far));
}
