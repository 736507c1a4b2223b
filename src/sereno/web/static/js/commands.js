/** Sending a command and following its acks. Nothing here guesses: what the server did not say is unknown. */

import { ApiError, newKey, request, toJson } from "./api.js";
import { refreshWaiting } from "./waiting.js";

const FINAL = new Set(["done", "failed", "refused", "cancelled", "timed_out", "unknown"]);
const POLL_FIRST = 120;
const POLL_LAST = 500;
/** Longer than the server's own time-outs: beyond it the outcome is unknown here (ms). */
const PATIENCE = 30e3;

/** True for a state that no other follows. */
export function isFinal(state) {
  return FINAL.has(state);
}

/** @typedef {{state: string, reason: string, value?: any, t?: number | string}} Ack */

/**
 * Sends a write and calls `onAcks` with all acks so far whenever there are more. The last ack is final.
 * @param {{target: string, value: any, expected?: any, comment?: string}} command
 * @param {(acks: Ack[]) => void} onAcks
 * @returns {Promise<Ack>} the final ack
 */
export function write(command, onAcks) {
  return send({ verb: "write", ...command }, onAcks);
}

/**
 * Has a device execute a command. See `write`.
 * @param {{target: string, name: string, arguments?: any[], comment?: string}} command target is the device
 * @param {(acks: Ack[]) => void} onAcks
 * @returns {Promise<Ack>} the final ack
 */
export function call(command, onAcks) {
  return send({ verb: "call", ...command }, onAcks);
}

async function send(command, onAcks) {
  const key = newKey();
  try {
    await request("commands", { method: "POST", body: toJson({ key, ...command }) });
  } catch (error) {
    const acks = error.problem?.acks ?? [];
    const last = acks.at(-1);
    const final = last && isFinal(last.state) ? last : ownVerdict(error);
    onAcks(last === final ? acks : [...acks, final]);
    return final;
  }
  return follow(key, onAcks);
}

/** A request that the server turned down was never sent to the plant; one without an answer may have been. */
function ownVerdict(error) {
  const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
  return { state: refused ? "refused" : "unknown", reason: error.message };
}

async function follow(key, onAcks) {
  let end = performance.now() + PATIENCE;
  let seen = 0;
  let acks = [];
  let trouble = "";
  for (let wait = POLL_FIRST; performance.now() < end; wait = Math.min(POLL_LAST, wait * 1.3)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      acks = (await request(`commands/${key}`)).acks ?? [];
      trouble = "";
    } catch (error) {
      trouble = error.message;
    }
    const held = acks.at(-1)?.state === "selected";
    if (held && acks.length > seen) refreshWaiting();
    if (!trouble && (held || acks.length > seen)) end = performance.now() + PATIENCE;
    if (acks.length > seen) onAcks(acks);
    seen = acks.length;
    if (seen && isFinal(acks.at(-1).state)) return acks.at(-1);
  }
  const unknown = { state: "unknown", reason: trouble };
  onAcks([...acks, unknown]);
  return unknown;
}
