/**
 * A finite world in tables: P now and later, with the correlation of A and the rest and without it.
 * @module
 */
import { current, note, relevant } from "./address.js";
import { demand } from "./demand.js";
import { element } from "./dom.js";
import { keptField } from "./recall.js";
import { table } from "./table.js";

/** @returns {HTMLElement[]} */
export function correlationPart() {
  const { button, stop, status, result } = demand("tables", "Show the tables", (told) => shown(told, again),
    { matters: (asked) => relevant(asked, ["mass", "before", "after"],
      ["n", "m", "show", "delta", "draws", "steps", "seed"]) });
  const again = (written) => {
    note((asked) => { asked.delete("mass"); written.forEach((mass) => asked.append("mass", mass)); });
    button.click();
  };
  return [
    element("p", { class: "note" }, "What does the correlation of A and the rest take out of the future? P is "
      + "pushed on as it is, and once more with A and the rest made independent. Rows are states of A, columns "
      + "of the rest; at the margins stand the sums, whose products make the decorrelated table."),
    element("p", { class: "buttons" }, number("steps before the split", "before", 0),
      number("steps after it", "after", 1), button, stop, status), result];
}

/** A number of steps, one where the address says nothing. */
function number(words, key, least) {
  const field = element("input", { type: "number", min: least, max: 100, step: 1, class: "few" });
  return element("label", {}, `${words} `, keptField(key, field, 1));
}

/** @param {Object} told @param {(masses: string[]) => void} again - with none, all are alike */
function shown(told, again) {
  const sums = table("Their entropies, and what the measure adds up", ["", "bit #", "exactly"],
    told.sums.map(({ words, exact, bits }) => [words, bits, exact]));
  return [
    element("div", { class: "beside" }, ...told.tables.map(({ title, cells }) =>
      grid(title, told, cells))),
    sums, ...(told.masses.length ? [writing(told, again)] : [])];
}

/** @param {string} title @param {Object} told @param {(Node|string)[][]} cells - with sums at the margins */
function grid(title, told, cells) {
  const rows = cells.map((row, i) => [told.rows[i] ?? "sum", ...row]);
  return table(title, [told.corner, ...told.columns.map((name) => `${name} #`), "sum #"], rows);
}

/** Fields for the masses that everything begins with. @param {Object} told */
function writing(told, again) {
  const fields = told.masses.slice(0, -1).map((row, i) => row.slice(0, -1).map((mass, j) =>
    element("input", { class: "mass", maxlength: 40, value: mass, "aria-label": `mass of ${told.rows[i]}; ${told.columns[j]}` })));
  const cells = told.masses.map((row, i) => row.map((mass, j) => fields[i]?.[j] ?? mass));
  const act = (event) => { event.preventDefault(); again(fields.flat().map((field) => field.value)); };
  return element("details", { class: "silent", open: current().has("mass") }, element("summary", {}, "Write the masses that it begins with"),
    element("form", { onsubmit: act }, grid("Before the first step", told, cells),
      element("p", { class: "buttons" }, element("button", { type: "submit" }, "Take these"),
        element("button", { type: "button", onclick: () => again([]) }, "All alike"))));
}
