/**
 * What can be asked besides, in tabs: those alone that the model has.
 * @module
 */
import { steeringPart } from "./steering.js";
import { tabs } from "./tabs.js";

/** @param {Object} facts @returns {HTMLElement[]} */
export function morePart(facts) {
  const parts = [
    ...(facts.steering ? [{ key: "steering", title: "Who steers", content: steeringPart() }] : [])];
  return parts.length ? tabs(parts, "More about this model") : [];
}
