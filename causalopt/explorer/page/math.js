/**
 * Formulas as MathML: only what is mathematics comes out of the text that the server made.
 * @module
 */

import { seen } from "./dom.js";

const SAID = ["display", "mathvariant", "stretchy", "fence", "form", "separator", "largeop", "movablelimits",
  "columnalign", "linethickness", "accent", "lspace", "rspace", "width", "minsize", "maxsize"];

/**
 * @param {string} text - MathML
 * @returns {Node} the text itself where it is none
 */
export function formula(text) {
  const { documentElement: root } = new DOMParser().parseFromString(text, "application/xml");
  if (root.localName !== "math" || !root.namespaceURI?.endsWith("/MathML")) return document.createTextNode(seen(text));
  return copied(root, root.namespaceURI);
}

/** @param {Node} node @param {string} space @returns {Node} */
function copied(node, space) {
  if (node.nodeType !== Node.ELEMENT_NODE || node.namespaceURI !== space)
    return document.createTextNode(seen(node.textContent));
  const made = document.createElementNS(space, node.localName);
  SAID.filter((name) => node.hasAttribute(name)).forEach((name) => made.setAttribute(name, node.getAttribute(name)));
  made.append(...[...node.childNodes].map((child) => copied(child, space)));
  return made;
}
