/** Quality codes (uint16, OPC UA scale): severity and reason. */

/** @typedef {"good" | "uncertain" | "bad"} Severity */

const SEVERITIES = /** @type {const} */ (["good", "uncertain", "bad", "bad"]);

export const WAITING = 0x8032;
export const SUBSTITUTED = 0x0096;

/** Catalogue keys of the reasons that have words of their own. */
const REASON_KEYS = new Map([
  [SUBSTITUTED, "quality.substituted"],
  [0x4000, "quality.uncertain"],
  [0x4090, "quality.last_usable"],
  [0x4093, "quality.sensor_not_accurate"],
  [0x4094, "quality.out_of_range"],
  [0x4095, "quality.sub_normal"],
  [0x40c1, "quality.clock_suspect"],
  [0x8000, "quality.bad"],
  [0x8089, "quality.configuration_error"],
  [0x808a, "quality.not_connected"],
  [0x808b, "quality.device_failure"],
  [0x808c, "quality.sensor_failure"],
  [0x808d, "quality.out_of_service"],
  [0x8031, "quality.stale"],
  [WAITING, "quality.waiting"],
  [0x8034, "quality.refused_by_device"],
  [0x8040, "quality.not_implemented"],
  [0x8074, "quality.not_a_number"],
]);

/**
 * @param {number} code
 * @returns {Severity}
 */
export function severity(code) {
  return SEVERITIES[(code >> 14) & 3];
}

/**
 * Catalogue key of the reason; "" for plain good, the severity's key for a code without words.
 * @param {number} code
 * @returns {string}
 */
export function reasonKey(code) {
  if (code === 0) return "";
  return REASON_KEYS.get(code) ?? `quality.${severity(code)}`;
}
