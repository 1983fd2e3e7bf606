/**
 * A finite world in tables: P now and later, with the correlation of A and the rest and without it.
 * @module
 */
import { demand } from "./demand.js";
import { element } from "./dom.js";
import { table } from "./table.js";

/** The masses that are written, by row; null: every state is as likely. @type {string[]|null} */
let masses = null;

/** @returns {HTMLElement[]} */
export function correlationPart() {
  const before = number("steps before the split", 1, 0);
  const after = number("steps after it", 1, 1);
  const said = () => ({ masses, before: Number(before.field.value), after: Number(after.field.value) });
  const { button, stop, status, result } = demand("tables", "Show the tables", (told) => shown(told, again),
    { ignores: ["n", "m", "show", "delta", "draws", "steps", "seed"], said });
  const again = (written) => { masses = written; button.click(); };
  return [
    element("p", { class: "note" }, "What does the correlation of A and the rest take out of the future? P is "
      + "pushed on as it is, and once more with A and the rest made independent. Rows are states of A, columns "
      + "of the rest; at the margins stand the sums, whose products make the decorrelated table."),
    element("p", { class: "buttons" }, before.label, after.label, button, stop, status), result];
}

/** @param {string} words @param {number} value @param {number} least */
function number(words, value, least) {
  const field = element("input", { type: "number", min: least, max: 100, step: 1, value, class: "few" });
  return { field, label: element("label", {}, `${words} `, field) };
}

/** @param {Object} told @param {(masses: string[]|null) => void} again */
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
    element("input", { class: "mass", value: mass, "aria-label": `mass of ${told.rows[i]}; ${told.columns[j]}` })));
  const cells = told.masses.map((row, i) => row.map((mass, j) => fields[i]?.[j] ?? mass));
  const act = (event) => { event.preventDefault(); again(fields.flat().map((field) => field.value)); };
  return element("details", { class: "silent", open: masses !== null }, element("summary", {}, "Write the masses that it begins with"),
    element("form", { onsubmit: act }, grid("Before the first step", told, cells),
      element("p", { class: "buttons" }, element("button", { type: "submit" }, "Take these"),
        element("button", { type: "button", onclick: () => again(null) }, "All alike"))));
}
