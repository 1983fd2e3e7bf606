/**
 * The table of all measures that the system admits, and why the others say nothing.
 * @module
 */
import { relevant } from "./address.js";
import { demand } from "./demand.js";
import { element } from "./dom.js";
import { table } from "./table.js";

/** @returns {HTMLElement[]} */
export function measuresPart() {
  const { button, stop, status, result } =
    demand("measures", "Ask every measure", told, { matters: (asked) => relevant(asked, [], ["show", "delta", "draws"]) });
  return [
    element("p", { class: "note" }, "What does every measure of this package, and of the literature, say of "
      + "the same A, n and m?"),
    element("p", { class: "buttons" }, button, stop, status), result];
}

/** @param {{rows: Object[], note: string}} answer */
function told(answer) {
  const said = answer.rows.filter((row) => !row.why), silent = answer.rows.filter((row) => row.why);
  const why = table("Why these say nothing", ["measure", "why"], silent.map((row) => [row.measure, row.why]));
  return [
    table("What they say", ["measure", "asked", "value #", "unit", "in all digits"], said.map((row) =>
      [row.measure, row.asked, row.value, row.unit, row.digits])),
    ...(answer.note ? [element("p", { class: "note" }, answer.note)] : []),
    ...(silent.length ? [element("details", { class: "silent" },
      element("summary", {}, `${silent.length} that cannot be asked here, and why`), why)] : [])];
}
