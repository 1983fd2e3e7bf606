/**
 * The page: it asks the server what its address says, and draws what comes back.
 * @module
 */
import { current, note, openWith, settle, whenChanged, whenNoted } from "./address.js";
import { ask, facts as known } from "./ask.js";
import { drawCharts } from "./charts.js";
import { controls, showValues } from "./controls.js";
import { lookAgain } from "./demand.js";
import { element, keepFocus, part, seen } from "./dom.js";
import { graphPart } from "./graph.js";
import { keepingPart } from "./keeping.js";
import { morePart } from "./more.js";
import { questionFields } from "./question.js";
import { forget, recall } from "./recall.js";
import { paintStrokes } from "./strokes.js";
import { say } from "./verdict.js";

/** How many steps an unrolled graph shows at first, and after how many milliseconds a wait is explained. */
const UNROLLED = 4, PATIENCE = 3000;
/** After how many milliseconds without an answer the old one is no longer shown as if it were new. */
const LATE = 700;
let late = 0;
let facts, plan, answer;
/** How many steps the graph shows; 0 where it is folded. */
let unrolled = 0;
let isAsked = false, isOpened = true;
/** What the graph and the fields beside it show: they are drawn anew where it is something else. */
let shownQuestion = "";

/** Ask once for all changes between two pictures. */
function askSoon() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => { isAsked = false; askNow(); });
}

async function askNow() {
  const address = current().toString();
  clearTimeout(late);
  late = setTimeout(sayLate, LATE);
  const told = await ask("answer", { address });
  if (told === null) return; // a newer one is asked
  clearTimeout(late);
  part("verdict").classList.remove("stale");
  if (told.fault) {
    say({ sentence: "This cannot be asked.", meaning: told.fault, tone: "unknown", value: "" });
    part("charts").classList.add("stale");
    return;
  }
  answer = told;
  settle(address, told.address);
  draw();
}

/** What is seen is of another question than the one that is being computed. */
function sayLate() {
  if (!answer) return;
  part("verdict").classList.add("stale");
  part("charts").classList.add("stale");
  part("digits").textContent = "Being computed …";
}

function draw() {
  say(answer.verdict);
  drawCharts(answer.charts);
  const { n, A, m, show } = answer.asked;
  const question = JSON.stringify([n, A, m, show]);
  if (question !== shownQuestion) {
    shownQuestion = question;
    drawGraph();
    const fields = questionFields(facts, answer.asked);
    keepFocus(part("question"), () => part("question").replaceChildren(...fields));
  }
  showValues(part("controls"));
  lookAgain();
  if (isOpened) recall();
  isOpened = false;
  document.documentElement.dataset.address = answer.address;
}

function drawGraph() {
  if (!plan || !answer) return;
  keepFocus(part("graph"), () => part("graph").replaceChildren(
    ...graphPart(plan, answer.asked, !unrolled), ...(facts.has_time ? [unrolling()] : [])));
  paintStrokes();
}

/** The graph that the address asks for. */
async function planGraph() {
  const steps = facts.has_time ? Number(current().get("unrolled") ?? 0) : 0;
  if (plan && steps === unrolled) return;
  unrolled = steps;
  plan = (await ask("graph", steps ? { steps } : {})) ?? plan;
  drawGraph();
}

function unrolling() {
  const steps = element("input", { type: "number", name: "steps unrolled", min: 1, max: facts.most_unrolled,
    value: unrolled || UNROLLED, "aria-label": "steps that are unrolled", onchange: () => write() });
  const box = element("input", { type: "checkbox", name: "unrolled", checked: unrolled > 0,
    onchange: () => write() });
  const write = () => note((asked) => {
    if (box.checked) asked.set("unrolled", steps.value);
    else asked.delete("unrolled");
  });
  return element("p", { class: "unrolled" }, element("label", {}, box, "unrolled, the first "), steps, " steps");
}

/** Where the first picture takes long, say why. */
function tellOfWaiting() {
  if (!answer && !part("meaning").textContent)
    part("meaning").textContent = "A large model, or a long run, is compiled first, once on this machine.";
}

async function start() {
  facts = await known();
  openWith(facts.opening);
  document.title = `${seen(facts.title)} – causalopt`;
  part("title").textContent = seen(facts.title);
  part("source").textContent = seen(facts.source);
  part("controls").append(...controls(facts));
  part("controls").addEventListener("submit", (event) => event.preventDefault());
  part("question").addEventListener("submit", (event) => event.preventDefault());
  part("more").append(...morePart(facts));
  part("footer").append(...keepingPart());
  whenChanged(askSoon);
  whenChanged(planGraph);
  whenNoted(planGraph);
  // Another address is opened: what it asks in tabs is asked once its curves are there.
  window.addEventListener("hashchange", () => { isOpened = true; forget(); });
  setTimeout(tellOfWaiting, PATIENCE);
  new ResizeObserver(() => { if (answer) drawCharts(answer.charts); }).observe(part("charts"));
  await Promise.all([planGraph(), askNow()]);
}

start();
