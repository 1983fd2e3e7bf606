/**
 * The derivations of the study, line by line, each step with its verdict once it is checked.
 * @module
 */
import { demand } from "./demand.js";
import { element } from "./dom.js";
import { formula } from "./math.js";

/** @param {number} count @returns {HTMLElement[]} */
export function derivationsPart(count) {
  return Array.from({ length: count }, (_, number) => one(number, count)).flat();
}

/** @param {number} number @param {number} count */
function one(number, count) {
  const of = count > 1 ? ` derivation ${number + 1}` : " the derivation";
  const read = demand("derivation", `Read${of}`, shown,
    { said: () => ({ number }), token: `read.${number}` });
  const check = demand("derivation", `Check every step of${of}`, (told) => {
    read.result.replaceChildren();
    return shown(told);
  }, { said: () => ({ number, checked: true }), token: `check.${number}` });
  read.button.addEventListener("click", () => check.result.replaceChildren());
  return [element("p", { class: "buttons" }, read.button, check.button, read.stop, check.stop, read.status,
    check.status), read.result, check.result];
}

/** @param {Object} told */
function shown(told) {
  const steps = told.steps.map(({ line: claimed, details, mark, status, expected }) => element("li", {},
    ...(mark ? [element("b", { class: `word ${expected ? status : "fault-word"}` }, `${mark} ${status} `)] : []),
    ...line(claimed), ...details.map((detail) => element("small", {}, ...line(detail)))));
  return [element("article", { class: "derivation" }, element("h2", {}, told.title),
    element("p", { class: "note" }, told.source),
    element("ul", {}, ...told.givens.map((given) => element("li", {}, ...line(given)))),
    element("ol", {}, ...steps))];
}

/** @param {{kind: string, text: string}[]} pieces */
function line(pieces) {
  return pieces.map(({ kind, text }) => kind === "formula" ? formula(text) : text);
}
