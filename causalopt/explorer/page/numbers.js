/**
 * Numbers as people read them, and the round ones of an axis.
 * @module
 */

/**
 * A number in so many digits, with a minus that is one.
 * @param {number|null} value
 * @param {number} [digits]
 * @returns {string}
 */
export function short(value, digits = 6) {
  if (value === null || !Number.isFinite(value)) return "–";
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

/**
 * Round numbers between two, about as many as are wanted.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted
 * @returns {number[]}
 */
export function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(wanted, 1);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.min(Math.max(count, 0), 50) }, (_, i) => (first + i) * step);
}

/**
 * Whole powers between two, not more than about as many as are wanted.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted
 * @returns {number[]}
 */
export function powers(low, high, wanted) {
  const every = Math.max(1, Math.ceil((high - low) / Math.max(wanted, 1)));
  const first = Math.ceil(low / every) * every;
  const count = Math.floor((high - first) / every) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => first + i * every);
}
