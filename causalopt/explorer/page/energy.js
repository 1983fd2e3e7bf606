/**
 * Chains upon an energy landscape, and what drives them.
 * @module
 */
import { relevant } from "./address.js";
import { demand } from "./demand.js";
import { element } from "./dom.js";
import { beside, dotsUpon } from "./frames.js";
import { figure } from "./plot.js";

/** @returns {HTMLElement[]} */
export function energyPart() {
  const { button, stop, bar, status, result } = demand("energy", "Let the chains go", (told) => shown(told, result),
    { matters: (asked) => relevant(asked, [], ["n", "A", "m", "show", "delta"]) });
  return [
    element("p", { class: "note" }, "Where do chains go upon the landscape, as time goes on? A dot is as large as the "
      + "share of the chains that are there."),
    element("p", { class: "buttons" }, button, stop, bar, status), result];
}

/** @param {Object} told @param {HTMLElement} place */
function shown(told, place) {
  return [element("div", { class: "views" },
    element("div", {}, element("h2", {}, `${told.energy} over ${told.state}, and ${told.draws} chains`), dotsUpon(told)),
    element("div", {}, ...told.charts.map((chart) => figure(chart, beside(place)))))];
}
