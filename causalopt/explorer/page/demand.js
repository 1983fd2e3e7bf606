/**
 * What is computed when it is asked for, and may take long: a button, one that stops it, the result.
 * @module
 */
import { current } from "./address.js";
import { ask } from "./ask.js";
import { element } from "./dom.js";

/** @type {((address: string) => void)[]} */
const looking = [];

/**
 * A button whose result stands below it until it is asked for anew.
 * @param {string} what - under which the server is asked
 * @param {string} words - what stands on the button
 * @param {(told: Object) => (Node|string)[]} show - the result as elements
 * @param {{ignores?: string[], said?: () => Object, changed?: (holds: boolean) => void}} [more] -
 *   which parts of the address it does not depend on, what is asked besides, and who is told
 *   whether the result holds
 * @returns {{button: HTMLElement, stop: HTMLElement, status: HTMLElement, result: HTMLElement}}
 */
export function demand(what, words, show, { ignores = [], said = () => ({}), changed = () => {} } = {}) {
  const status = element("span", { role: "status", class: "dim" });
  const result = element("div", { class: "result" });
  let control = null, holdsFor = null;
  const run = async () => {
    control?.abort();
    const own = control = new AbortController();
    stop.hidden = false;
    status.textContent = "Being computed …";
    const told = await ask(what, { address: current().toString(), ...said() }, own.signal);
    if (control !== own) return;
    control = null;
    stop.hidden = true;
    status.textContent = told === null ? "Stopped." : "";
    if (told === null) return;
    holdsFor = told.fault ? null : relevant(told.address ?? "", ignores);
    result.classList.remove("stale");
    const hadFocus = result.contains(document.activeElement);
    result.replaceChildren(...(told.fault
      ? [element("p", { class: "fault", role: "alert" }, told.fault)] : show(told)));
    // What had the focus is gone: it goes to where it can be asked anew.
    if (hadFocus) button.focus({ preventScroll: true });
    changed(!told.fault);
  };
  const button = element("button", { type: "button", onclick: run }, words);
  const stop = element("button", { type: "button", hidden: true, onclick: () => control?.abort() }, "Stop");
  looking.push((address) => {
    if (holdsFor === null) return;
    const holds = relevant(address, ignores) === holdsFor;
    if (holds === !result.classList.contains("stale")) return;
    result.classList.toggle("stale", !holds);
    status.textContent = holds ? "" : "This is of other values: compute it anew.";
    changed(holds);
  });
  return { button, stop, status, result };
}

/** Say what is on the screen, so that a result of something else is seen to be one. */
export function lookAgain(address) {
  looking.forEach((look) => look(address));
}

/** What of an address matters. @param {string} address @param {string[]} ignores */
function relevant(address, ignores) {
  return [...new URLSearchParams(address)].filter(([key]) => key !== "along" && !ignores.includes(key))
    .map((pair) => pair.join("=")).sort().join("&");
}
