/**
 * Elements, made so that a text is never read as anything else.
 * @module
 */

const SVG = "http://www.w3.org/2000/svg";

// Controls, and what is no sign: letters that turn a line around, or that have no width. Those that
// join letters, or keep them apart, are a part of how some scripts are written.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|(?![\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])\p{Cf}/gu;

// Attributes that are read as texts.
const READ = ["aria-label", "aria-valuetext", "title", "placeholder"];

/**
 * A text with a sign for each letter that cannot be seen, so that it reads as what it is.
 * @param {string} text
 * @returns {string}
 */
export function seen(text) {
  return String(text).replace(UNSEEN, "\ufffd");
}

/**
 * An element of HTML. Properties that start with "on" are listeners, the others attributes; what is
 * null or false is left out. Children are elements, or texts.
 * @param {string} tag
 * @param {Object<string, unknown>} [said]
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function element(tag, said = {}, ...children) {
  return dressed(document.createElement(tag), said, children);
}

/**
 * An element of SVG.
 * @param {string} tag
 * @param {Object<string, unknown>} [said]
 * @param {...(Node|string)} children
 * @returns {SVGElement}
 */
export function shape(tag, said = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), said, children);
}

/**
 * The element of the page with an id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * Draw anew, with the focus on what stands in the place of what had it.
 * @param {HTMLElement} place
 * @param {() => void} redraw
 */
export function keepFocus(place, redraw) {
  const able = () => [...place.querySelectorAll("[tabindex], input, select, button")];
  const had = able().indexOf(document.activeElement);
  redraw();
  if (had >= 0) able()[had]?.focus({ preventScroll: true });
}

/** @template {Element} T @param {T} made @param {Object} said @param {(Node|string)[]} children */
function dressed(made, said, children) {
  for (const [name, value] of Object.entries(said)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : READ.includes(name) ? seen(value) : String(value));
  }
  made.append(...children.map((child) => (child instanceof Node ? child : seen(child))));
  return made;
}
