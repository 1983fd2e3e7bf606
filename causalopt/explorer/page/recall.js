/**
 * What was asked in the tabs, as the address holds it: a link asks it again.
 * @module
 */
import { current, note, whenChanged } from "./address.js";

/**
 * A button of which the address keeps that it was pressed.
 * @param {string} token
 * @param {HTMLElement} button
 * @returns {HTMLElement} the same
 */
export function kept(token, button) {
  button.dataset.ask = token;
  button.addEventListener("click", () => {
    button.dataset.pressed = "";
    if (!current().getAll("ask").includes(token)) note((asked) => asked.append("ask", token));
  });
  return button;
}

/**
 * A field of which the address keeps what is written in it.
 * @param {string} key
 * @param {HTMLInputElement} field
 * @param {string|number} opening - where the address says nothing
 * @returns {HTMLInputElement} the same
 */
export function keptField(key, field, opening) {
  const fill = () => { if (field !== document.activeElement) field.value = current().get(key) ?? opening; };
  field.addEventListener("input", () => note((asked) => {
    if (field.value === "") asked.delete(key);
    else asked.set(key, field.value);
  }));
  whenChanged(fill);
  fill();
  return field;
}

/** Nothing was pressed yet: another address was opened. */
export function forget() {
  document.querySelectorAll("button[data-ask]").forEach((button) => { delete button.dataset.pressed; });
}

/** Press what was pressed in the tab that is seen, as far as it is not yet. */
export function recall() {
  const asked = current().getAll("ask");
  for (const button of document.querySelectorAll("[role=tabpanel]:not([hidden]) button[data-ask]"))
    if (asked.includes(button.dataset.ask) && button.dataset.pressed === undefined) button.click();
}
