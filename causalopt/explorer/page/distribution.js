/**
 * Where the chains of a noisy step go: their distribution over time, where it settles, how it escapes.
 * @module
 */
import { relevant } from "./address.js";
import { demand } from "./demand.js";
import { element, shape } from "./dom.js";
import { beside, histogram } from "./frames.js";
import { short } from "./numbers.js";
import { figure } from "./plot.js";
import { keptField } from "./recall.js";
import { table } from "./table.js";

/** What is computed, one after the other. */
const STAGES = ["chains", "settled", "escape", "times"].map((part) => ({ part }));
/** What each line is, in words. */
const LINES = { stationary: "in the long run", stays: "of what has stayed in the interval for long" };

/** @returns {HTMLElement[]} */
export function distributionPart() {
  const low = end("low"), high = end("high");
  let chains = null, views = null;
  const show = (told) => {
    if (told.bars) {
      chains = told;
      [low, high].forEach((field, i) => { field.placeholder = short(told.watched?.[i] ?? null, 4).replace("−", "-"); });
      views = element("div", { class: "views" }, drawn(told, []));
      return [views];
    }
    if (told.lines) views.replaceChildren(drawn(chains, told.lines, told.notes), element("div", {}));
    else views.lastChild.append(...(told.rows ? numbers(told.rows) : escaped(told.chart, beside(result))));
    return [views];
  };
  const { button, stop, bar, status, result } = demand("distribution", "Show where it goes", show,
    { matters: (asked) => relevant(asked, ["low", "high"], ["n", "A", "m", "show", "delta"]), stages: STAGES });
  return [
    element("p", { class: "note" }, "Where do many chains go, each with picks of its own, where do they settle, and how "
      + "soon do they leave an interval? Without ends it is the basin of the start."),
    element("p", { class: "buttons" }, element("label", {}, "watched from ", low), element("label", {}, "to ", high),
      button, stop, bar, status), result];
}

/** One end of the interval. @param {string} key */
function end(key) {
  return keptField(key, element("input", { type: "number", step: "any", class: "few end" }), "");
}

/** @param {Object} told @param {{role: string, values: number[]}[]} lines @param {string[]} [notes] */
function drawn(told, lines, notes = []) {
  const legend = lines.map(({ role }) => element("span", { class: "entry" },
    shape("svg", { viewBox: "0 0 24 8", class: "key", "aria-hidden": true }, shape("path", { d: "M1 4H23", class: `stairs ${role}` })),
    LINES[role]));
  return element("div", {}, element("h2", {}, `Density of ${told.name}`),
    element("p", { class: "entries" }, element("span", { class: "entry" },
      shape("svg", { viewBox: "0 0 24 8", class: "key", "aria-hidden": true },
        shape("rect", { width: 22, height: 8, class: "bar-of-density" })), `${told.draws} chains`), ...legend),
    histogram(told, lines), ...notes.map((words) => element("p", { class: "note" }, words)));
}

/** @param {Object|null} chart @param {number} width */
function escaped(chart, width) {
  if (!chart) return [element("p", { class: "note" }, "Nothing leads away from where chains are: write an "
    + "interval to ask how soon it is left.")];
  const [{ values }] = chart.traces, last = chart.x[chart.x.length - 1];
  return [values.some((value) => value !== 0) ? figure(chart, width)
    : element("p", {}, `${chart.title}: by t = ${short(last)} nothing leaves.`)];
}

/** @param {{words: string, value: string, why: string}[]} rows */
function numbers(rows) {
  return rows.length ? [table("How soon it leaves", ["", ""], rows.map(({ words, value, why }) =>
    [words, why ? element("span", { class: "why" }, why) : value]))] : [];
}
