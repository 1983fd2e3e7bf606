/**
 * What can be asked besides, in tabs: those alone that the model has.
 * @module
 */
import { current, note, whenChanged } from "./address.js";
import { claimsPart } from "./claims.js";
import { correlationPart } from "./correlation.js";
import { derivationsPart } from "./derivations.js";
import { distributionPart } from "./distribution.js";
import { energyPart } from "./energy.js";
import { landscapePart } from "./landscape.js";
import { measuresPart } from "./measures.js";
import { recall } from "./recall.js";
import { steeringPart } from "./steering.js";
import { tabs } from "./tabs.js";

/** @param {Object} facts @returns {HTMLElement[]} */
export function morePart(facts) {
  const parts = [
    [facts.steering, "steering", "Who steers", steeringPart],
    [facts.parts, "measures", "Measures", measuresPart],
    [facts.axes.length, "landscape", "Landscape", () => landscapePart(facts)],
    [facts.spreading, "distribution", "Distribution", distributionPart],
    [facts.heights, "energy", "Energy", energyPart],
    [facts.parts && facts.finite, "tables", "Tables", correlationPart],
    [facts.claims.length, "claims", "Claims", () => claimsPart(facts.claims)],
    [facts.derivations, "derivations", "Derivations", () => derivationsPart(facts.derivations)],
  ];
  const state = {
    current: () => current().get("tab"),
    turned: (key) => { note((asked) => asked.set("tab", key)); recall(); },
  };
  const { content, follow } = tabs(parts.filter(([has]) => has)
    .map(([, key, title, made]) => ({ key, title, content: made() })), "More about this model", state);
  whenChanged(follow);
  return content;
}
