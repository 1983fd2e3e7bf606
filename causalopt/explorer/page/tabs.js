/**
 * Tabs: one of several parts is seen, chosen by a click or by arrow keys.
 * @module
 */
import { element } from "./dom.js";

/**
 * @param {{key: string, title: string, content: HTMLElement[]}[]} parts
 * @param {string} label - what the parts are about
 * @returns {HTMLElement[]}
 */
export function tabs(parts, label) {
  const panels = parts.map(({ key, content }) => element("div", { id: `panel-${key}`, role: "tabpanel",
    class: "panel", tabindex: 0, "aria-labelledby": `tab-${key}`, hidden: true }, ...content));
  const buttons = parts.map(({ key, title }, i) => element("button", { id: `tab-${key}`, role: "tab",
    type: "button", "aria-controls": `panel-${key}`, onclick: () => show(i),
    onkeydown: (event) => moved(event, i) }, title));
  const show = (chosen) => buttons.forEach((button, i) => {
    button.setAttribute("aria-selected", String(i === chosen));
    button.tabIndex = i === chosen ? 0 : -1;
    panels[i].hidden = i !== chosen;
  });
  const moved = (event, i) => {
    const last = buttons.length - 1;
    const next = { ArrowRight: i === last ? 0 : i + 1, ArrowLeft: i === 0 ? last : i - 1,
      Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
    buttons[next].focus();
  };
  show(0);
  return [element("div", { role: "tablist", class: "tabs", "aria-label": label }, ...buttons), ...panels];
}
