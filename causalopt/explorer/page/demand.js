/**
 * What is computed when it is asked for, and may take long: a button, one that stops it, the result.
 * @module
 */
import { current, relevant, whenChanged, whenNoted } from "./address.js";
import { ask } from "./ask.js";
import { element, keepFocus } from "./dom.js";
import { kept } from "./recall.js";

/** @type {(() => void)[]} */
const looking = [];
whenNoted(lookAgain);
whenChanged(lookAgain);

/**
 * A button whose result stands below it until it is asked for anew.
 * @param {string} what - under which the server is asked
 * @param {string} words - what stands on the button
 * @param {(told: Object) => (Node|string)[]} show - the result as elements
 * @param {{matters?: (asked: URLSearchParams) => string, said?: () => Object, token?: string,
 *   before?: () => void, drops?: boolean, changed?: (holds: boolean) => void, stages?: Object[]}} [more]
 *   - what of an address the result depends on, what is asked besides, under what the address keeps
 *   that it was asked, what is done first, whether what runs is stopped where it would be of other
 *   values, and who is told whether the result holds; ``stages`` are what is said one after the other
 *   where the result comes in parts, which a bar counts: each is shown in the place of the one before
 * @returns {{button: HTMLElement, stop: HTMLElement, status: HTMLElement, result: HTMLElement,
 *   bar: HTMLElement}}
 */
export function demand(what, words, show, { matters = relevant, said = () => ({}), token = what,
  before = () => {}, drops = false, changed = () => {}, stages = [{}] } = {}) {
  const status = element("span", { role: "status", class: "dim" });
  const result = element("div", { class: "result" });
  const bar = element("progress", { max: stages.length, hidden: true, "aria-label": "How much is computed" });
  let control = null, holdsFor = null, runsFor = null;
  const end = (words) => { control = null; stop.hidden = bar.hidden = true; status.textContent = words; };
  const run = async () => {
    control?.abort();
    before();
    const own = control = new AbortController(), address = current().toString();
    runsFor = matters(current());
    stop.hidden = false;
    bar.hidden = false;
    for (const [done, stage] of stages.entries()) {
      // One part has no middle: its bar only shows that it goes on.
      if (stages.length > 1) bar.value = done;
      status.textContent = "Being computed …";
      const told = await ask(what, { address, ...said(), ...stage }, own.signal);
      if (control !== own) return;
      if (told === null) return end("Stopped.");
      if (told.fault && done) {
        result.append(fault(told)); // below what there is already
        break;
      }
      tell(told);
      if (told.fault) break;
    }
    end("");
    lookAgain();
  };
  const tell = (told) => {
    // What is told without an address is of the study, whatever is moved.
    holdsFor = told.fault || told.address === undefined ? null : matters(new URLSearchParams(told.address));
    const made = told.fault ? [fault(told)] : show(told);
    result.classList.remove("stale");
    if (made.length !== 1 || made[0] !== result.lastChild) replace(made);
    changed(!told.fault);
  };
  const replace = (made) => {
    const hadFocus = result.contains(document.activeElement);
    keepFocus(result, () => result.replaceChildren(...made));
    // Where what had the focus is gone, it goes to where it can be asked anew.
    if (hadFocus && !result.contains(document.activeElement)) button.focus({ preventScroll: true });
  };
  const button = kept(token, element("button", { type: "button", onclick: run }, words));
  const stop = element("button", { type: "button", hidden: true, onclick: () => control?.abort() }, "Stop");
  looking.push(() => {
    const now = matters(current());
    if (control && drops && now !== runsFor) control.abort();
    if (holdsFor === null) return;
    const holds = now === holdsFor;
    if (holds === !result.classList.contains("stale")) return;
    result.classList.toggle("stale", !holds);
    if (!control) status.textContent = holds ? "" : "This is of other values: compute it anew.";
    changed(holds);
  });
  return { button, stop, status, result, bar };
}

/** @param {{fault: string}} told */
function fault(told) {
  return element("p", { class: "fault", role: "alert" }, told.fault);
}

/** Look whether results are still of what is on the screen, so that others are seen to be none. */
export function lookAgain() {
  looking.forEach((look) => look());
}
