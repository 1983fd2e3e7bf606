/**
 * Sliders that stop where something was computed; what is typed goes to the nearest such value.
 * @module
 */
import { change, set } from "./address.js";
import { element, part } from "./dom.js";
import { short } from "./numbers.js";
import { recorded } from "./recorded.js";

/** @typedef {import("./recorded.js").Axis} Axis */

/**
 * A row for each axis. They are made once: what moves keeps the focus.
 * @returns {HTMLElement[]}
 */
export function sweepPart() {
  const { axes } = recorded;
  const back = () => change((asked) => axes.forEach(({ key }) => asked.delete(key)));
  return [
    element("fieldset", {}, element("legend", {}, "what can be moved"), ...axes.map(row)),
    element("p", { class: "note" }, told(axes)),
    element("button", { type: "button", class: "reset", onclick: back }, "Back to the start")];
}

/** Show where the page is. @param {number[]} places */
export function showPlaces(places) {
  recorded.axes.forEach((axis, i) => {
    const value = axis.values[places[i]];
    const slider = part(`slider-${axis.key}`);
    if (slider.type !== "range") { slider.value = value; return; }
    slider.value = places[i];
    slider.setAttribute("aria-valuetext", short(value));
    const field = slider.nextElementSibling;
    if (field !== document.activeElement) field.value = shortest(value);
  });
}

/** @param {Axis} axis */
function row(axis) {
  const { key, name, unit, values } = axis, id = `slider-${key}`;
  const label = element("label", { for: id }, name,
    ...(unit ? [element("span", { class: "dim" }, ` [${unit}]`)] : []));
  if (typeof values[0] === "string")
    return element("div", { class: "row" }, label, element("select", { id,
      onchange: (event) => set(key, event.target.value) },
      ...values.map((value) => element("option", { value }, value))));
  const range = element("input", { id, type: "range", min: 0, max: values.length - 1, step: 1, value: axis.own,
    oninput: () => set(key, values[range.value]) });
  const field = element("input", { type: "number", step: "any", "aria-label": `${name}, or the nearest`,
    oninput: () => { if (Number.isFinite(field.valueAsNumber)) set(key, field.value); },
    onblur: () => { field.value = shortest(values[range.value]); } });
  return element("div", { class: "row" }, label, range, field);
}

/** A number without the digits that come of rounding alone. @param {number} value */
function shortest(value) {
  return String(Number(value.toPrecision(12)));
}

/** @param {Axis[]} axes */
function told(axes) {
  const counts = axes.map(({ name, values }) => `${values.length} values of ${name}`).join(" by ");
  const numbers = axes.some(({ values }) => typeof values[0] === "number");
  return `Computed beforehand at ${counts}.${numbers
    ? " A slider stops at each of them, and what is typed goes to the nearest: nothing is shown that was not computed."
    : ""}`;
}
