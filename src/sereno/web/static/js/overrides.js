/** Substituted values and devices in maintenance: what there is, and what this person may do about it. */

import { request, toJson, urlPath } from "./api.js";

/** @type {Promise<Set<string>> | null} */
let known = null;

/** The rights that who is signed in has somewhere. */
export function rights() {
  known ??= request("session").then((session) => new Set(session.rights)).catch(() => new Set());
  return known;
}

export const substitutions = async () => (await request("substitutions")).substitutions;

export const guards = async () => (await request("guards")).guards;

export const maintenance = async () => (await request("maintenance")).maintenance;

/** @param {{tag: string, value: any, reason: string, seconds: number}} wish */
export function substitute({ tag, value, reason, seconds }) {
  return request(`values/${urlPath(tag)}/substitution`, { method: "PUT", body: toJson({ value, reason, seconds }) });
}

/** @param {string} tag */
export function endSubstitution(tag) {
  return request(`values/${urlPath(tag)}/substitution`, { method: "DELETE" });
}

/** @param {{device: string, reason: string, seconds: number}} wish */
export function tagOut({ device, reason, seconds }) {
  return request(`devices/${urlPath(device)}/maintenance`, { method: "PUT", body: toJson({ reason, seconds }) });
}

/** @param {string} device */
export function tagIn(device) {
  return request(`devices/${urlPath(device)}/maintenance`, { method: "DELETE" });
}
