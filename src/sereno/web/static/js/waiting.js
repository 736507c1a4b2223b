/** Commands that wait for people: what there is, told by the node as it changes, and acting on them. */

import { request, toJson } from "./api.js";
import { live } from "./live.js";

/**
 * @typedef {{key: string, target: string, verb: string, name: string, arguments: any[], value: any, old: any, actor: string, since: string, until: string,
 *   waits_for: "approval" | "execution", sign: string[], approved_by: string, comment: string, may: string[]}} Waiting
 */

/** @type {Waiting[]} */
let current = [];
const AGAIN = 1500;
let told = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;
/** @type {Set<(commands: Waiting[]) => void>} */
const listeners = new Set();

function become(commands) {
  current = commands;
  for (const listener of listeners) listener(current);
}

live.addEventListener("waiting", (event) => {
  told = names(event.detail);
  become(event.detail);
});
live.addEventListener("state", () => {
  if (live.state === "live") refreshWaiting();
});

/**
 * Asks now; between the node's own news. The node compares once a second and does not tell of what came and went in
 * between, so an answer that it has not told is asked for again.
 */
export async function refreshWaiting() {
  clearTimeout(again);
  const answer = await request("commands").catch(() => null);
  if (!answer) return;
  become(answer.commands);
  if (names(answer.commands) !== told) again = setTimeout(refreshWaiting, AGAIN);
}

/** @param {Waiting[]} commands */
function names(commands) {
  return commands.map((one) => `${one.key} ${one.waits_for}`).join();
}

/**
 * Calls at once and at each change. Returns what ends it.
 * @param {(commands: Waiting[]) => void} listener
 */
export function onWaiting(listener) {
  listeners.add(listener);
  listener(current);
  return () => listeners.delete(listener);
}

/** True if who is signed in can let it go on. */
export function waitsForMe(one) {
  return one.may.includes("execute") || one.may.includes("approve");
}

/**
 * execute, approve, decline or cancel. Throws ApiError.
 * @param {string} key
 * @param {string} act
 * @param {object} [body]
 */
export async function say(key, act, body = {}) {
  try {
    await request(`commands/${encodeURIComponent(key)}/${act}`, { method: "POST", body: toJson(body) });
  } finally {
    refreshWaiting();
  }
}
