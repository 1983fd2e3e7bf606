/**
 * Sliders for parameters and start values, the length of the run, the difference, and the noise.
 * @module
 */
import { current, set } from "./address.js";
import { element } from "./dom.js";
import { short } from "./numbers.js";

/**
 * @typedef {{key: string, name: string, kind: string, unit: string, names: string[],
 *   value: number, low: number, high: number}} Slider
 */

/** How many places a slider has between its ends. */
const PLACES = 200;

/**
 * All that can be moved. It is made once: what moves keeps the focus.
 * @param {Object} facts
 * @returns {HTMLElement[]}
 */
export function controls(facts) {
  const groups = ["parameter", "start value"].map((kind) => {
    const own = facts.sliders.filter((slider) => slider.kind === kind);
    return own.length
      ? [element("fieldset", {}, element("legend", {}, `${kind}s`), ...own.map(sliderRow))] : [];
  });
  const back = element("button", { type: "button", class: "reset", onclick: () => {
    location.hash = ""; location.reload(); } }, "Back to the start");
  return [...groups.flat(), run(facts), back];
}

/** Show the values of the address, in fields that nobody is writing in. @param {HTMLElement} form */
export function showValues(form) {
  const asked = current();
  for (const field of form.querySelectorAll("[data-key]")) {
    const value = asked.get(field.dataset.key) ?? field.dataset.opening;
    if (field !== document.activeElement && field.value !== value) field.value = value;
    if (field.type === "number") field.title = value;  // which may have more digits than room
  }
}

/** @param {Slider} slider */
function sliderRow(slider) {
  const id = `slider-${slider.key}`;
  const label = element("label", { for: id }, slider.name,
    ...(slider.unit ? [element("span", { class: "dim" }, ` [${slider.unit}]`)] : []));
  if (slider.names.length)
    return element("div", { class: "row" }, label, choice(id, slider));
  const step = (slider.high - slider.low) / PLACES || 1;
  const said = { "data-key": slider.key, "data-opening": String(slider.value), value: slider.value };
  const range = element("input", { id, type: "range", min: slider.low, max: slider.high,
    step: Number(step.toPrecision(3)), ...said });
  const number = element("input", { type: "number", step: "any", "aria-label": `${slider.name}, exactly`,
    ...said });
  const moved = (from, to) => from.addEventListener("input", () => {
    if (from.value === "" || !Number.isFinite(Number(from.value))) return;
    to.value = from.value;
    set(slider.key, from.value);
  });
  moved(range, number);
  moved(number, range);
  // What is no number is asked of nobody, and does not stay as if it were.
  number.addEventListener("change", () => {
    number.value = current().get(slider.key) ?? number.dataset.opening;
  });
  return element("div", { class: "row" }, label, range, number);
}

/** @param {string} id @param {Slider} slider */
function choice(id, slider) {
  const opening = slider.names[slider.value];
  return element("select", { id, "data-key": slider.key, "data-opening": opening,
    onchange: (event) => set(slider.key, event.target.value) },
    ...slider.names.map((name) => element("option", { value: name, selected: name === opening }, name)));
}

/** @param {Object} facts */
function run(facts) {
  const asked = current();
  const field = (words, key, said, note = "") => element("label", { class: "row" }, words,
    element("input", { type: "number", "data-key": key, "data-opening": asked.get(key) ?? "",
      value: asked.get(key) ?? "", onchange: (event) => set(key, event.target.value), ...said }),
    ...(note ? [element("span", { class: "dim" }, note)] : []));
  return element("fieldset", {}, element("legend", {}, "the run"),
    ...(facts.has_time ? [field("steps", "steps", { min: 1, max: facts.most_steps, step: 1 })] : []),
    field("delta", "delta", { step: "any", placeholder: "exact" },
      "empty: exact"),
    ...(facts.has_noise ? [
      field("seed", "seed", { min: 0, step: 1, placeholder: "0" }),
      field("draws", "draws", { min: 1, max: facts.most_draws, step: 1, placeholder: "1" },
        `to ${short(facts.most_draws)}`)] : []));
}
