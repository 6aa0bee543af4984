// HTTP: one function per verb, problems as errors. Holds no data; state.js does.
import { read } from "./values.js";

const meta = document.querySelector('meta[name="floe-base"]');
/** Path of the API, without a slash at the end. */
export const BASE = (meta?.getAttribute("content") ?? "/build/api").replace(/\/+$/, "");

/** A reply other than 2xx, as the server explained it (application/problem+json). */
export class Problem extends Error {
  /**
   * @param {number} status  0 if the host did not reply at all
   * @param {{title?: string, detail?: string, hint?: string, fields?: Record<string, string>,
   *   findings?: import("./types/api").Finding[], host?: string, as_of?: string | null,
   *   since?: string | null, why?: string, run?: import("./types/api").Summary,
   *   graph?: import("./types/api").Graph | null, events?: import("./types/api").RunEvent[]}} body
   */
  constructor(status, body) {
    super(body.detail || body.title || `status ${status}`);
    this.status = status;
    this.hint = body.hint ?? "";
    this.fields = body.fields ?? {};
    this.findings = body.findings ?? [];
    /**
     * If another host has the run: its name, the time of its last message, and what is known here: the row, the graph
     * and some events; if it is permanently lost, the time of the forget.
     */
    this.away = body.host
      ? {
          host: body.host,
          at: body.as_of ?? body.since ?? null,
          lost: status === 410,
          run: body.run,
          graph: body.graph,
          events: body.events ?? [],
        }
      : null;
    /** If the run was removed and this is still known: when, and by which rule. */
    this.removed = status === 410 && !body.host && body.since ? { at: body.since, why: body.why ?? "" } : null;
  }
}

/** Called when the session has ended; state.js sets it. */
export const onUnauthorized = { call: () => {} };

/**
 * Send a request to the API.
 * @param {string} path  below the base
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(`${BASE}/${path}`, { credentials: "same-origin", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, { detail: "The host does not reply.", hint: "Is floe running, and the network up?" });
  }
  if (response.ok) return response;
  const problem = new Problem(response.status, await problemBody(response));
  if (response.status === 401 && path !== "login") onUnauthorized.call();
  throw problem;
}

/** @param {Response} response */
async function problemBody(response) {
  const text = await response.text();
  try {
    return read(text);
  } catch {
    return { title: `${response.status} ${response.statusText}`, detail: text.slice(0, 300) };
  }
}

/**
 * GET a path of the API.
 * @template T
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function get(path, signal) {
  return read(await (await request(path, { signal })).text());
}

/**
 * POST a JSON body to the API. The key makes a repetition of this call (for example by a proxy) harmless.
 * @template T
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<T>}
 */
export async function post(path, body = {}) {
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": chance() },
    body: JSON.stringify(body),
  });
  return response.status === 204 ? /** @type {T} */ (undefined) : read(await response.text());
}

/**
 * PUT a body of any type to the API.
 * @template T
 * @param {string} path
 * @param {BodyInit} body
 * @param {Record<string, string>} headers
 * @returns {Promise<T>}
 */
export async function put(path, body, headers) {
  return read(await (await request(path, { method: "PUT", headers, body })).text());
}

/** DELETE a path of the API. @param {string} path @param {Record<string, string>} [headers] */
export async function remove(path, headers = {}) {
  await request(path, { method: "DELETE", headers });
}

/** 128 random bits in hex; crypto.randomUUID is missing on plain http. */
function chance() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A path segment of an id. @param {string} id */
export const seg = encodeURIComponent;
