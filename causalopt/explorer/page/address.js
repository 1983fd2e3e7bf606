/**
 * The question of the page: it is what stands behind # in the address, and nowhere else.
 * @module
 */

/** What is asked in the tabs, upon which no curve depends. */
const ASIDE = ["unrolled", "along", "tab", "ask", "mass", "before", "after", "low", "high"];
/** @type {(() => void)[]} */
const listeners = [], noted = [];
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
 * Keep what is asked in a tab: nothing of the curves is asked anew.
 * @param {(asked: URLSearchParams) => void} edit
 */
export function note(edit) {
  const asked = current();
  edit(asked);
  history.replaceState(null, "", `#${asked}`);
  noted.forEach((listen) => listen());
}

/** Be told of what is noted. @param {() => void} listen */
export function whenNoted(listen) {
  noted.push(listen);
}

/**
 * Write the address in full, as the server has understood it; what was noted meanwhile stays.
 * @param {string} asked - what the server was asked
 * @param {string} address - as it has understood that
 */
export function settle(asked, address) {
  const now = [...current()], aside = now.filter(([key]) => ASIDE.includes(key));
  if (relevant(now) !== relevant(new URLSearchParams(asked))) return;
  const full = [...new URLSearchParams(address)].filter(([key]) => !ASIDE.includes(key));
  history.replaceState(null, "", `#${new URLSearchParams([...full, ...aside])}`);
}

/**
 * What of an address matters, in one order.
 * @param {Iterable<[string, string]>} pairs
 * @param {string[]} [needs] - which of what is asked in tabs does
 * @param {string[]} [ignores] - what else does not
 */
export function relevant(pairs, needs = [], ignores = []) {
  return [...pairs].filter(([key]) => needs.includes(key) || !(ASIDE.includes(key) || ignores.includes(key)))
    .map((pair) => pair.join("=")).sort().join("&");
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
