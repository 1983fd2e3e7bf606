/**
 * The question in a line, by names: for those who use no graph, and for models that have none.
 * @module
 */
import { change, set } from "./address.js";
import { element } from "./dom.js";

/**
 * Fields for n, A and m.
 * @param {{nodes: string[], variables: string[], has_time: boolean}} facts
 * @param {{n: string, A: string[], m: string, show: string}} asked
 * @returns {HTMLElement[]}
 */
export function questionFields(facts, asked) {
  const field = (words, key, names, value) => element("label", {}, `${words} `,
    element("select", { name: key, onchange: (event) => set(key, event.target.value) },
      ...[...new Set([...names, value])].map((name) =>
        element("option", { value: name, selected: name === value }, name))));
  return [
    field("nudge", "n", facts.nodes, asked.n),
    held(facts, asked),
    field("look at", "m", facts.variables, asked.m),
    ...(facts.has_time ? [field("draw", "show", facts.variables, asked.show)] : []),
  ];
}

/** @param {{variables: string[]}} facts @param {{A: string[]}} asked */
function held(facts, asked) {
  const names = [...new Set([...facts.variables, ...asked.A])];
  const toggle = (event) => change((now) => {
    const others = now.getAll("A").filter((name) => name && name !== event.target.value);
    const chosen = event.target.checked ? [...others, event.target.value] : others;
    now.delete("A");
    (chosen.length ? chosen : [""]).forEach((name) => now.append("A", name));
  });
  const boxes = names.map((name) => element("label", { class: "box" },
    element("input", { type: "checkbox", value: name, checked: asked.A.includes(name),
      onchange: toggle }), name));
  return element("fieldset", {}, element("legend", {}, "hold in Y (A)"), ...boxes);
}
