/**
 * The page: it asks the server what its address says, and draws what comes back.
 * @module
 */
import { current, openWith, settle, whenChanged } from "./address.js";
import { ask, facts as known } from "./ask.js";
import { drawCharts } from "./charts.js";
import { controls, showValues } from "./controls.js";
import { lookAgain } from "./demand.js";
import { element, keepFocus, part } from "./dom.js";
import { graphPart } from "./graph.js";
import { keepingPart } from "./keeping.js";
import { morePart } from "./more.js";
import { questionFields } from "./question.js";
import { recall } from "./recall.js";
import { paintStrokes } from "./strokes.js";
import { say } from "./verdict.js";

/** How many steps an unrolled graph shows, and after how many milliseconds a wait is explained. */
const UNROLLED = 4, PATIENCE = 3000;
let facts, plan, answer;
let isFolded = true, isAsked = false;
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
  const told = await ask("answer", { address });
  if (told === null) return;
  if (told.fault) {
    say({ sentence: "This cannot be asked.", meaning: told.fault, tone: "unknown", value: "" });
    part("charts").classList.add("stale");
    return;
  }
  answer = told;
  settle(address, told.address);
  draw();
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
  document.documentElement.dataset.address = answer.address;
}

function drawGraph() {
  if (!plan || !answer) return;
  keepFocus(part("graph"), () => part("graph").replaceChildren(
    ...graphPart(plan, answer.asked, isFolded), ...(facts.has_time ? [unrolling()] : [])));
  paintStrokes();
}

function unrolling() {
  return element("label", { class: "unrolled" }, element("input", { type: "checkbox", name: "unrolled",
    checked: !isFolded, onchange: async (event) => {
      isFolded = !event.target.checked;
      plan = (await ask("graph", isFolded ? {} : { steps: UNROLLED })) ?? plan;
      drawGraph();
    } }), `unrolled, the first ${UNROLLED} steps`);
}

/** Where the first picture takes long, say why. */
function tellOfWaiting() {
  if (!answer && !part("meaning").textContent)
    part("meaning").textContent = "A large model, or a long run, is compiled first, once on this machine.";
}

async function start() {
  facts = await known();
  openWith(facts.opening);
  document.title = `${facts.title} – causalopt`;
  part("title").textContent = facts.title;
  part("source").textContent = facts.source;
  part("controls").append(...controls(facts));
  part("controls").addEventListener("submit", (event) => event.preventDefault());
  part("question").addEventListener("submit", (event) => event.preventDefault());
  part("more").append(...morePart(facts));
  part("footer").append(...keepingPart());
  whenChanged(askSoon);
  setTimeout(tellOfWaiting, PATIENCE);
  new ResizeObserver(() => { if (answer) drawCharts(answer.charts); }).observe(part("charts"));
  const [found] = await Promise.all([ask("graph"), askNow()]);
  plan = found;
  drawGraph();
  recall();
}

start();
