/**
 * The claims of the study: what was published, and what is computed for it, when it is asked.
 * @module
 */
import { ask } from "./ask.js";
import { element, seen } from "./dom.js";
import { kept } from "./recall.js";

/**
 * @param {{statement: string, source: string, published: string}[]} claims
 * @returns {HTMLElement[]}
 */
export function claimsPart(claims) {
  const status = element("span", { role: "status", class: "dim" });
  const rows = claims.map((claim, i) => row(claim, () => check([i])));
  let control = null;
  const check = async (numbers) => {
    control?.abort();
    const own = control = new AbortController();
    stop.hidden = false;
    for (const number of numbers) {
      status.textContent = `Claim ${number + 1} of ${claims.length} is being computed …`;
      const told = await ask("claim", { number }, own.signal);
      if (control !== own) return;
      if (told === null) break;
      judge(rows[number], told);
    }
    control = null;
    stop.hidden = true;
    status.textContent = tally(rows);
  };
  const stop = element("button", { type: "button", hidden: true, onclick: () => control?.abort() }, "Stop");
  const all = kept("claims", element("button", { type: "button", onclick: () => check(claims.map((_, i) => i)) },
    "Check all"));
  const head = ["claim", "published", "computed", "verdict"].map((words) => element("th", { scope: "col" }, words));
  return [
    element("p", { class: "note" }, "What was published of this model, beside what is computed now: of the model "
      + "as its file has it, whatever is moved above."),
    element("p", { class: "buttons" }, all, stop, status),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Claims" },
      element("table", { class: "claims" }, element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...rows)))];
}

/** @param {{statement: string, source: string, published: string}} claim @param {() => void} act */
function row(claim, act) {
  return element("tr", {},
    element("th", { scope: "row" }, claim.statement, element("small", {}, claim.source),
      element("small", { class: "reason" })),
    element("td", { "data-head": "published" }, claim.published),
    element("td", { "data-head": "computed", class: "computed" }),
    element("td", { class: "judged" }, element("button", { type: "button", onclick: act,
      "aria-label": `Check: ${claim.statement}` }, "Check")));
}

/** @param {HTMLElement} line @param {Object} told */
function judge(line, told) {
  const isFault = Boolean(told.fault || told.wrong);
  line.querySelector(".computed").textContent = seen(told.computed ?? "");
  line.querySelector(".reason").textContent =
    seen(told.fault ?? [told.reason && `Differs, because ${told.reason}`, told.wrong].filter(Boolean).join(" "));
  const word = told.fault ? "fails" : told.word;
  line.dataset.word = word;
  const verdict = line.querySelector(".judged span") ?? element("span");
  verdict.className = `word ${isFault ? "fault-word" : word}`;
  verdict.textContent = `${{ reproduced: "✓", differs: "≠" }[word] ?? "✗"} ${word} `;
  line.querySelector(".judged").prepend(verdict);
}

/** @param {HTMLElement[]} rows */
function tally(rows) {
  const words = rows.map((line) => line.dataset.word).filter(Boolean);
  const kinds = [...new Set(words)].map((word) => `${words.filter((one) => one === word).length} ${word}`);
  return kinds.length ? `${kinds.join(", ")}, of ${rows.length}.` : "Stopped.";
}
