/**
 * What is computed when it is asked for, and may take long: a button, one that stops it, the result.
 * @module
 */
import { current, relevant, whenNoted } from "./address.js";
import { ask } from "./ask.js";
import { element } from "./dom.js";
import { kept } from "./recall.js";

/** @type {(() => void)[]} */
const looking = [];
whenNoted(lookAgain);

/**
 * A button whose result stands below it until it is asked for anew.
 * @param {string} what - under which the server is asked
 * @param {string} words - what stands on the button
 * @param {(told: Object) => (Node|string)[]} show - the result as elements
 * @param {{ignores?: string[], needs?: string[], said?: () => Object, token?: string,
 *   changed?: (holds: boolean) => void}} [more] - which parts of the address it does not depend on,
 *   which of those of tabs it does, what is asked besides, under what the address keeps that it was
 *   asked, and who is told whether the result holds; ``stages`` are what is said one after the other
 *   where the result comes in parts, which a bar counts
 * @returns {{button: HTMLElement, stop: HTMLElement, status: HTMLElement, result: HTMLElement,
 *   bar: HTMLElement}}
 */
export function demand(what, words, show,
  { ignores = [], needs = [], said = () => ({}), token = what, changed = () => {}, stages = [{}] } = {}) {
  const status = element("span", { role: "status", class: "dim" });
  const result = element("div", { class: "result" });
  const bar = element("progress", { max: stages.length, hidden: true, "aria-label": "How much is computed" });
  let control = null, holdsFor = null;
  const end = (words) => { control = null; stop.hidden = bar.hidden = true; status.textContent = words; };
  const run = async () => {
    control?.abort();
    const own = control = new AbortController(), address = current().toString();
    stop.hidden = false;
    bar.hidden = false;
    for (const [done, stage] of stages.entries()) {
      // One part has no middle: its bar only shows that it goes on.
      if (stages.length > 1) bar.value = done;
      status.textContent = "Being computed …";
      const told = await ask(what, { address, ...said(), ...stage }, own.signal);
      if (control !== own) return;
      if (told === null) return end("Stopped.");
      tell(told, done);
      if (told.fault) break;
    }
    end("");
    lookAgain();
  };
  const tell = (told, done) => {
    // What is told without an address is of the study, whatever is moved.
    holdsFor = told.fault || told.address === undefined ? null : matters(told.address);
    const made = told.fault ? [element("p", { class: "fault", role: "alert" }, told.fault)] : show(told);
    if (done) return result.append(...made);
    result.classList.remove("stale");
    const hadFocus = result.contains(document.activeElement);
    result.replaceChildren(...made);
    // What had the focus is gone: it goes to where it can be asked anew.
    if (hadFocus) button.focus({ preventScroll: true });
    changed(!told.fault);
  };
  const matters = (address) => relevant(new URLSearchParams(address), needs, ignores);
  const button = kept(token, element("button", { type: "button", onclick: run }, words));
  const stop = element("button", { type: "button", hidden: true, onclick: () => control?.abort() }, "Stop");
  looking.push(() => {
    if (holdsFor === null) return;
    const holds = matters(current().toString()) === holdsFor;
    if (holds === !result.classList.contains("stale")) return;
    result.classList.toggle("stale", !holds);
    status.textContent = holds ? "" : "This is of other values: compute it anew.";
    changed(holds);
  });
  return { button, stop, status, result, bar };
}

/** Look whether results are still of what is on the screen, so that others are seen to be none. */
export function lookAgain() {
  looking.forEach((look) => look());
}
