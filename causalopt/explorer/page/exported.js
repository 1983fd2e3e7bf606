/**
 * The page as a file: it shows what was computed before it was written, and asks nobody.
 * @module
 */
import { current, settle, whenChanged } from "./address.js";
import { drawCharts } from "./charts.js";
import { element, part } from "./dom.js";
import { graphPart } from "./graph.js";
import { keepingPart } from "./keeping.js";
import { placesOf, pointAt, recorded } from "./recorded.js";
import { showPlaces, sweepPart } from "./sweep.js";
import { say } from "./verdict.js";

let point = pointAt(placesOf(current()));

function draw() {
  const places = placesOf(current());
  point = pointAt(places);
  settle(current().toString(), point.address);
  say(point.verdict);
  drawCharts(point.charts);
  showPlaces(places);
  document.documentElement.dataset.address = point.address;
}

/** The question in words. @param {Object} asked */
function question({ n, A, m, steps, delta, seed, draws }) {
  const chains = draws === null ? "one draw" : `${draws} draws`;
  const parts = [`nudged: ${n}`, `held in Y: ${A.join(", ") || "nothing"}`, `looked at: ${m}`,
    ...(steps === null ? [] : [`${steps} steps`]),
    ...(delta === null ? [] : [`difference at n: ${delta}`]),
    ...recorded.moved.map(([name, value]) => `${name} = ${value}`),
    ...(recorded.has_noise ? [`${chains} of the noise, seed ${seed}`] : [])];
  return element("p", { class: "note" }, parts.join(" · "));
}

function start() {
  part("title").textContent = recorded.title;
  part("source").textContent = recorded.source;
  part("graph").append(...graphPart(recorded.graph, point.asked, true, true));
  part("question").replaceWith(question(point.asked));
  part("more").remove();
  // Few are moved here: they stand beside the curves, which are seen as they move.
  if (recorded.axes.length) part("who").append(part("controls"));
  else part("controls").remove();
  part("controls")?.append(...sweepPart());
  part("controls")?.addEventListener("submit", (event) => event.preventDefault());
  part("footer").append(...keepingPart(false), element("p", { class: "note" },
    "This page is a file. The live one, where all else can be asked: ",
    element("code", {}, `causalopt explore ${recorded.called}`)));
  whenChanged(draw);
  draw();
  new ResizeObserver(() => drawCharts(point.charts)).observe(part("charts"));
}

start();
