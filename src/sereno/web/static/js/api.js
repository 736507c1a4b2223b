/** Calls of /api/v1. Failures are ApiError with the words of the problem document. */

export class ApiError extends Error {
  /**
   * @param {number} status HTTP status, 0 if there was no answer
   * @param {string} message
   * @param {any} [problem] RFC 9457 document
   */
  constructor(status, message, problem = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
  }
}

/**
 * The JSON of an answer.
 * @param {string} path below /api/v1/
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function request(path, options = {}) {
  const headers = { accept: "application/json", ...(options.body ? { "content-type": "application/json" } : {}) };
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, { credentials: "same-origin", ...options, headers });
  } catch (error) {
    throw new ApiError(0, String(error.message ?? error));
  }
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  if (response.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  throw new ApiError(response.status, body?.detail ?? body?.title ?? `HTTP ${response.status}`, body);
}

/** Tag path as part of a URL: the slashes stay. */
export function urlPath(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** @type {Promise<import("./format.js").TagSpec[]> | null} */
let allTags = null;

/**
 * Declarations of every tag that the actor may read, by path; asked once per page, and again for `fresh` ones.
 * @param {{fresh?: boolean}} [options]
 * @returns {Promise<import("./format.js").TagSpec[]>}
 */
export function tags({ fresh = false } = {}) {
  if (fresh) allTags = null;
  allTags ??= request("tags").then((answer) => answer.tags).catch((error) => {
    allTags = null;
    throw error;
  });
  return allTags;
}

/**
 * History of tags between two times (ms UTC), at most `points` buckets each, raw samples if it is null.
 * @param {string[]} names
 * @param {number} from
 * @param {number} to
 * @param {number | null} points
 * @param {AbortSignal} [signal]
 * @returns {Promise<any[]>}
 */
export async function history(names, from, to, points, signal) {
  const query = new URLSearchParams(names.map((name) => ["tag", name]));
  query.set("from", new Date(from).toISOString());
  query.set("to", new Date(to).toISOString());
  if (points !== null) query.set("points", String(points));
  return (await request(`history?${query}`, { signal })).series;
}

/**
 * JSON text that keeps integers exact beyond 2^53.
 * @param {any} value
 * @returns {string}
 */
export function toJson(value) {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map((v) => toJson(v ?? null)).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, v]) => v !== undefined);
  return `{${fields.map(([key, v]) => `${JSON.stringify(key)}:${toJson(v)}`).join(",")}}`;
}

/** A fresh idempotency key. (crypto.randomUUID exists only on secure origins, a plant often has none.) */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
