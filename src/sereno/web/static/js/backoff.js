/** Waiting times between attempts to connect: doubling up to a ceiling, spread so that many pages do not come at once. */

/**
 * @param {number} attempt 0 for the first wait
 * @param {() => number} random in [0, 1)
 * @param {{first?: number, ceiling?: number}} [bounds] ms
 * @returns {number} ms
 */
export function backoff(attempt, random, { first = 800, ceiling = 10000 } = {}) {
  const whole = Math.min(ceiling, first * 2 ** Math.min(attempt, 20));
  return whole * (0.2 + 0.8 * random());
}
