/**
 * The page as a file: it shows what was computed before it was written, and asks nobody.
 * @module
 */
import { current, settle, whenChanged } from "./address.js";
import { drawCharts } from "./charts.js";
import { element, part, seen } from "./dom.js";
import { graphPart } from "./graph.js";
import { keepingPart } from "./keeping.js";
import { placesOf, pointAt, recorded } from "./recorded.js";
import { showPlaces, sweepPart } from "./sweep.js";
import { say } from "./verdict.js";

let point = pointAt(placesOf(current()));

function draw() {
  const asked = current(), places = placesOf(asked);
  point = pointAt(places);
  const others = strangers(asked, point);
  part("elsewhere").textContent = others.length
    ? `This file has no answer for ${seen(others.join(", "))}: it shows what it has. The live page has all.` : "";
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

/** What an address asks that was not computed; a number of a slider goes to the nearest place. */
function strangers(asked, { address }) {
  const shown = new URLSearchParams(address);
  const axes = new Map(recorded.axes.map((axis) => [axis.key, axis.values]));
  const said = (from, key) => from.getAll(key).join(", ");
  // Numbers are written in several ways, and a seed of 0 not at all.
  const isSame = (one, other) => one === other || Number(one) === Number(other);
  const isAnswered = (key) => !axes.has(key) ? isSame(said(asked, key), said(shown, key))
    : axes.get(key).includes(asked.get(key)) || (asked.get(key) !== "" && Number.isFinite(Number(asked.get(key))));
  return [...new Set(asked.keys())].filter((key) => !isAnswered(key)).map((key) => `${key}=${said(asked, key)}`);
}

function start() {
  part("title").textContent = seen(recorded.title);
  part("source").textContent = seen(recorded.source);
  part("graph").append(...graphPart(recorded.graph, point.asked, true, true));
  part("question").replaceWith(question(point.asked), element("p", { id: "elsewhere", class: "note", role: "status" }));
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
