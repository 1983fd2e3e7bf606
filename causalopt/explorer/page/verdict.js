/**
 * The answer in a sentence.
 * @module
 */
import { part, seen } from "./dom.js";

/**
 * Say it.
 * @param {{sentence: string, meaning: string, tone: string, value: string}} verdict
 */
export function say(verdict) {
  part("verdict").className = `verdict ${verdict.tone}`;
  part("sentence").textContent = seen(verdict.sentence);
  part("meaning").textContent = seen(verdict.meaning);
  part("digits").textContent = verdict.value ? `Op in all digits: ${verdict.value}` : "";
  part("digits").dataset.op = verdict.value;
}
