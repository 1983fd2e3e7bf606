/**
 * Questions to the server, of which only the newest of a kind is answered.
 * @module
 */

const page = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");
const GONE = "The server does not answer: it was ended. Start it again, and open its link.";
/** @type {Map<string, number>} */
const newest = new Map();

/**
 * What the page knows of the model.
 * @returns {Promise<Object>}
 */
export async function facts() {
  return (await fetch("facts")).json();
}

/**
 * The answer to a question; null where a newer one of its kind has been asked meanwhile.
 * @param {string} what - such as "answer"
 * @param {Object} [said] - what is asked
 * @param {AbortSignal} [signal] - by which it is stopped: null then
 * @returns {Promise<Object|null>}
 */
export async function ask(what, said = {}, signal = undefined) {
  const order = (newest.get(what) ?? 0) + 1;
  newest.set(what, order);
  const content = await sent({ do: what, page: `${page}-${what}`, ...said }, signal);
  return content.dropped || newest.get(what) !== order ? null : content;
}

/**
 * The numbers of a screen as a file; or why there are none.
 * @param {string} address
 * @returns {Promise<{content?: Blob, fault?: string}>}
 */
export async function numbers(address) {
  try {
    const answer = await fetch(`data?${address}`);
    if (answer.headers.get("Content-Type").startsWith("application/json")) return await answer.json();
    return { content: await answer.blob() };
  } catch {
    return { fault: GONE };
  }
}

/** @param {Object} request @param {AbortSignal} [signal] */
async function sent(request, signal) {
  try {
    const answer = await fetch("ask", { method: "POST", body: JSON.stringify(request), signal });
    return await answer.json();
  } catch {
    if (signal?.aborted) return { dropped: true };
    return { fault: GONE };
  }
}
