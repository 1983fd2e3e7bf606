/**
 * What can be asked besides, in tabs: those alone that the model has.
 * @module
 */
import { claimsPart } from "./claims.js";
import { correlationPart } from "./correlation.js";
import { derivationsPart } from "./derivations.js";
import { landscapePart } from "./landscape.js";
import { measuresPart } from "./measures.js";
import { steeringPart } from "./steering.js";
import { tabs } from "./tabs.js";

/** @param {Object} facts @returns {HTMLElement[]} */
export function morePart(facts) {
  const parts = [
    [facts.steering, "steering", "Who steers", steeringPart],
    [true, "measures", "Measures", measuresPart],
    [facts.axes.length, "landscape", "Landscape", () => landscapePart(facts)],
    [facts.finite, "tables", "Tables", correlationPart],
    [facts.claims.length, "claims", "Claims", () => claimsPart(facts.claims)],
    [facts.derivations, "derivations", "Derivations", () => derivationsPart(facts.derivations)],
  ];
  return tabs(parts.filter(([has]) => has).map(([, key, title, made]) => ({ key, title, content: made() })),
    "More about this model");
}
