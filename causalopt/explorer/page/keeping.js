/**
 * What is taken away from the page: the code that computes it, its pictures, its link.
 * @module
 */
import { current, whenChanged, whenNoted } from "./address.js";
import { ask, numbers } from "./ask.js";
import { element, shape } from "./dom.js";

/** The room above and below the curves of a picture that stands alone. */
const HEAD = 48, FOOT = 6;
/** What a style sheet says of a picture, and the picture has to say itself to stand alone. */
const SAID = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size",
  "font-weight", "opacity"];

/**
 * The buttons, and a place where the code appears.
 * @param {boolean} [hasServer] - which alone writes netCDF
 * @returns {HTMLElement[]}
 */
export function keepingPart(hasServer = true) {
  const code = element("pre", { class: "code", hidden: true, tabindex: 0, "aria-label": "The code" });
  const told = element("span", { role: "status", class: "dim" });
  const another = () => { code.hidden = true; told.textContent = ""; };
  whenChanged(another);
  whenNoted(another);
  const button = (words, act) => element("button", { type: "button", onclick: act }, words);
  return [
    element("p", { class: "buttons" },
      button("Copy as Python", () => copyCode(code, told)),
      button("Copy the link", () => copied(location.href, told)),
      button("Curves as SVG", () => pictures().forEach((svg) => save(asFile(svg), `${svg.of}.svg`))),
      button("Curves as PNG", () => pictures().forEach(saveBitmap)),
      ...(hasServer ? [button("Numbers as netCDF", () => saveNumbers(told))] : []),
      told),
    code];
}

/** @param {HTMLElement} code @param {HTMLElement} told */
async function copyCode(code, told) {
  told.textContent = "The code is being written …";
  const answer = await ask("code", { address: current().toString() });
  if (answer === null) return;
  told.textContent = "";
  code.textContent = answer.script ?? answer.fault;
  code.hidden = false;
  if (answer.script) await copied(answer.script, told);
}

/** @param {string} text @param {HTMLElement} told */
async function copied(text, told) {
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = "Copied.";
  } catch {
    told.textContent = "The browser keeps its clipboard closed: copy it by hand.";
  }
}

/** @param {HTMLElement} told */
async function saveNumbers(told) {
  told.textContent = "The numbers are being written …";
  const answer = await numbers(current().toString());
  told.textContent = answer.fault ?? "";
  if (answer.content) save(answer.content, "numbers.nc");
}

/** The pictures of the page, each saying itself how it looks. */
function pictures() {
  return [...document.querySelectorAll("svg.plot, svg.graph")].map((svg) => {
    const copy = svg.cloneNode(true);
    const inside = [svg, ...svg.querySelectorAll("*")], same = [copy, ...copy.querySelectorAll("*")];
    inside.forEach((one, i) => {
      const look = getComputedStyle(one);
      SAID.forEach((name) => same[i].setAttribute(name, look.getPropertyValue(name)));
    });
    const { width, height } = svg.getBoundingClientRect();
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const figure = svg.closest("figure");
    if (figure) entitle(copy, figure, width, height);
    return Object.assign(copy, { of: figure?.dataset.chart ?? "graph" });
  });
}

/** Above a picture that stands alone: what it is, and which curve is which. */
function entitle(copy, figure, width, height) {
  const font = { "font-family": "sans-serif", "font-size": 13, fill: "#1a1a1a" };
  copy.append(shape("text", { x: 14, y: -30, ...font, "font-weight": 600 },
    figure.querySelector("h2").textContent));
  let x = 14;
  for (const entry of figure.querySelectorAll(".entry")) {
    const line = getComputedStyle(entry.querySelector("path"));
    copy.append(shape("path", { d: `M${x} -14H${x + 22}`, stroke: line.stroke, fill: "none",
      "stroke-width": 2, "stroke-dasharray": line.strokeDasharray }),
    shape("text", { x: x + 28, y: -10, ...font }, entry.textContent));
    x += 44 + 8 * entry.textContent.length;
  }
  copy.setAttribute("viewBox", `0 -${HEAD} ${width} ${height + HEAD + FOOT}`);
  copy.setAttribute("height", height + HEAD + FOOT);
}

/** @param {SVGElement} svg */
function asFile(svg) {
  return new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
}

/** Twice as fine as the screen. @param {SVGElement} svg */
async function saveBitmap(svg) {
  const image = new Image();
  image.src = URL.createObjectURL(asFile(svg));
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * Number(svg.getAttribute("width"));
  canvas.height = 2 * Number(svg.getAttribute("height"));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((content) => save(content, `${svg.of}.png`));
  URL.revokeObjectURL(image.src);
}

/** @param {Blob} content @param {string} name */
export function save(content, name) {
  const link = element("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
