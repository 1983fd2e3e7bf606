/**
 * Tables: a head, and rows of texts or elements.
 * @module
 */
import { element } from "./dom.js";

/**
 * @param {string} caption
 * @param {string[]} head - those that end with " #" stand above numbers
 * @param {(Node|string)[][]} rows
 * @returns {HTMLElement}
 */
export function table(caption, head, rows) {
  const isNumber = head.map((words) => words.endsWith(" #"));
  const titles = head.map((words, i) => element("th", { scope: "col", class: isNumber[i] && "number" },
    words.replace(/ #$/, "")));
  const lines = rows.map((row) => element("tr", {}, ...row.map((cell, i) =>
    element(i ? "td" : "th", { scope: i ? null : "row", class: isNumber[i] && "number" }, cell))));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...titles)), element("tbody", {}, ...lines)));
}
