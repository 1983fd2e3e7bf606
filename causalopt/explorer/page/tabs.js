/**
 * Tabs: one of several parts is seen, chosen by a click or by arrow keys.
 * @module
 */
import { element } from "./dom.js";

/**
 * @param {{key: string, title: string, content: HTMLElement[]}[]} parts
 * @param {string} label - what the parts are about
 * @param {{current: () => string|null, turned: (key: string) => void}} state - the key of the part
 *   that is to be seen, and who is told that another one is chosen
 * @returns {{content: HTMLElement[], follow: () => void}} the elements, and what turns to the part
 *   that is to be seen
 */
export function tabs(parts, label, { current, turned }) {
  const panels = parts.map(({ key, content }) => element("div", { id: `panel-${key}`, role: "tabpanel",
    class: "panel", tabindex: 0, "aria-labelledby": `tab-${key}`, hidden: true }, ...content));
  const buttons = parts.map(({ key, title }, i) => element("button", { id: `tab-${key}`, role: "tab",
    type: "button", "aria-controls": `panel-${key}`, onclick: () => turn(i),
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
    turn(next);
    buttons[next].focus();
  };
  const turn = (i) => { show(i); turned(parts[i].key); };
  const follow = () => show(Math.max(0, parts.findIndex(({ key }) => key === current())));
  follow();
  return { content: [element("div", { role: "tablist", class: "tabs", "aria-label": label }, ...buttons),
    ...panels], follow };
}
