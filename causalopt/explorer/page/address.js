/**
 * The question of the page: it is what stands behind # in the address, and nowhere else.
 * @module
 */

/** @type {(() => void)[]} */
const listeners = [];
let opening = "";

/**
 * What is asked now; where the address says nothing, what the model opens with.
 * @returns {URLSearchParams}
 */
export function current() {
  return new URLSearchParams(location.hash.slice(1) || opening);
}

/**
 * What is asked where the address says nothing.
 * @param {string} address
 */
export function openWith(address) {
  opening = address;
}

/**
 * Ask something else, and tell those who listen.
 * @param {(asked: URLSearchParams) => void} edit
 */
export function change(edit) {
  const asked = current();
  edit(asked);
  history.replaceState(null, "", `#${asked}`);
  listeners.forEach((listen) => listen());
}

/**
 * Write the address in full, as the server has understood it.
 * @param {string} address
 */
export function settle(address) {
  if (`#${address}` !== location.hash) history.replaceState(null, "", `#${address}`);
}

/**
 * Be told of every change, one that was typed into the address bar too.
 * @param {() => void} listen
 */
export function whenChanged(listen) {
  listeners.push(listen);
  window.addEventListener("hashchange", listen);
}

/**
 * Set one part of a question; what is empty is left out.
 * @param {string} key
 * @param {string|number|null} value
 */
export function set(key, value) {
  change((asked) => {
    if (value === null || value === "") asked.delete(key);
    else asked.set(key, String(value));
  });
}
