/**
 * Find the optimizer: who steers m, by shares, and who steers what, in a ranking.
 * @module
 */
import { change, relevant } from "./address.js";
import { demand } from "./demand.js";
import { element, shape } from "./dom.js";
import { short } from "./numbers.js";
import { drawStrokes } from "./strokes.js";
import { table } from "./table.js";

/** Shares are of all variables but m, whatever is nudged, held or drawn. */
const IGNORED = ["n", "A", "show", "delta", "draws"];
const WIDTH = 120;
let strokes = null;

/** @returns {HTMLElement[]} */
export function steeringPart() {
  const shares = demand("shares", "Find the optimizer", sharesTold,
    { matters: (asked) => relevant(asked, [], IGNORED), changed: (holds) => drawStrokes(holds ? strokes : null) });
  const ranking = demand("ranking", "Rank all variables", rankingTold,
    { matters: (asked) => relevant(asked, [], ["m", ...IGNORED]) });
  return [
    element("p", { class: "note" }, "Who steers m? Every variable gets its share of the regulation of m, "
      + "and the graph draws it as the width of a stroke."),
    element("p", { class: "buttons" }, shares.button, shares.stop, shares.status),
    shares.result,
    element("p", { class: "buttons" }, ranking.button, ranking.stop, ranking.status),
    ranking.result];
}

/** @param {Object} told */
function sharesTold(told) {
  strokes = told.strokes;
  const widest = Math.max(...told.rows.map((row) => Math.abs(row.share)), 1e-300);
  const rows = told.rows.map(({ variable, share }) => [variable, short(share), bar(share / widest)]);
  return [table(`Shares of what regulates ${told.m}`, ["variable", "share [nat] #", ""],
    [...rows, ["all together", short(told.total), ""]]),
  element("p", { class: "note" }, "Blue: steers. Orange and dashed: works against. ", told.note)];
}

/** @param {number} part - from -1 to 1 */
function bar(part) {
  const against = part < 0 ? " against" : "";
  return shape("svg", { class: "bar", viewBox: `0 0 ${WIDTH} 10`, width: WIDTH, height: 10, "aria-hidden": true },
    shape("rect", { class: `share${against}`, width: WIDTH * Math.abs(part), height: 10 }));
}

/** @param {Object} told */
function rankingTold(told) {
  const rows = told.rows.map((row) => [row.m, row.A.join(", ") || row.unnamed, short(row.op2, 4),
    short(row.total, 4), short(row.chance, 3), short(row.authority, 4), short(row.back, 4),
    row.A.length ? element("button", { type: "button", "aria-label": `Ask how ${row.A.join(", ")} steers ${row.m}`,
      onclick: () => look(row) }, "Look") : ""]);
  return [table("Who steers what", ["m", "A", "Op2 [nat] #", "of all #", "chance #", "authority #", "back #", ""],
    rows), element("p", { class: "note" }, told.note)];
}

/** Ask about a row. @param {{n: string, m: string, A: string[]}} row */
function look(row) {
  change((asked) => {
    asked.set("n", row.n);
    asked.set("m", row.m);
    asked.delete("show");
    asked.delete("A");
    row.A.forEach((name) => asked.append("A", name));
  });
}
