/** The points of a pen: history, then live samples. Pure. Times are seconds UTC, as the chart wants them. */

/** A value that did not change for longer than this (s) is drawn flat up to its change, not as a ramp. */
export const HOLD = 2.5;
const BEFORE = 1e-3;

/**
 * Columns of equal length; a null value is a gap. `low` and `high` are a bucket's extremes, the value itself otherwise.
 * `gaps` are [start, end] of bad quality, end null while it lasts.
 * @typedef {object} Points
 * @property {number[]} t
 * @property {(number | null)[]} value
 * @property {(number | null)[]} low
 * @property {(number | null)[]} high
 * @property {Array<[number, number | null]>} gaps
 */

/** @returns {Points} */
export function noPoints() {
  return { t: [], value: [], low: [], high: [], gaps: [] };
}

/**
 * Points of a series of the history API.
 * @param {{t_ns: number[], value: any[], quality: string[], low?: any[] | null, high?: any[] | null}} series
 * @param {number} [bucket] length of a bucket, s; 0 for raw samples
 * @param {number} [least] s, see `append`
 * @param {number} [written] ns from which on what is bad says no more than that the record has not come so far
 * @returns {Points}
 */
export function fromSeries(series, bucket = 0, least = HOLD, written = Infinity) {
  const points = noPoints();
  const hold = Math.max(least, 1.6 * bucket);
  for (let i = 0; i < series.t_ns.length; i++) {
    const bad = series.quality[i] === "bad";
    if (bad && series.t_ns[i] >= written) break;
    const value = series.value[i];
    if (!bad && value === null) continue;
    append(points, series.t_ns[i] / 1e9, bad ? null : Number(value), {
      low: series.low?.[i] ?? null, high: series.high?.[i] ?? null, hold,
    });
  }
  return points;
}

/**
 * Adds a sample that is later than all others; an earlier one is left out. A null value opens a gap.
 * @param {Points} points
 * @param {number} t
 * @param {number | null} value
 * @param {{low?: number | null, high?: number | null, hold?: number}} [options]
 */
export function append(points, t, value, { low = null, high = null, hold = HOLD } = {}) {
  const n = points.t.length;
  if (n && t <= points.t[n - 1]) return;
  const before = n ? points.value[n - 1] : null;
  if (value === null) {
    if (n && before === null) return;
    if (n) push(points, t - BEFORE, before, before, before);
    points.gaps.push([t, null]);
    push(points, t, null, null, null);
    return;
  }
  const gap = points.gaps.at(-1);
  if (gap && gap[1] === null) gap[1] = t;
  if (before !== null && t - points.t[n - 1] > hold) push(points, t - BEFORE, before, before, before);
  push(points, t, value, low ?? value, high ?? value);
}

function push(points, t, value, low, high) {
  if (points.t.length && t <= points.t[points.t.length - 1]) return;
  points.t.push(t);
  points.value.push(value);
  points.low.push(low);
  points.high.push(high);
}

/**
 * Forgets points before `t`, but keeps the last of them: it is the value in force at `t`.
 * @param {Points} points
 * @param {number} t
 */
export function trim(points, t) {
  let first = 0;
  while (first + 1 < points.t.length && points.t[first + 1] < t) first++;
  if (first < 64) return;
  for (const column of [points.t, points.value, points.low, points.high]) column.splice(0, first);
  points.gaps = points.gaps.filter(([, end]) => end === null || end >= t);
}

/**
 * All pens over one time column, as the chart wants them: t, then value, high, low of each pen.
 * Undefined = this pen has no point here (the line goes on), null = gap.
 * @param {Points[]} pens
 * @param {number | null} until last values hold until this time (live edge); null = they end where they end
 * @returns {Array<ArrayLike<number> | any[]>}
 */
export function align(pens, until) {
  let total = until === null ? 0 : 1;
  for (const pen of pens) total += pen.t.length;
  const all = new Float64Array(total);
  let at = 0;
  for (const pen of pens) {
    all.set(pen.t, at);
    at += pen.t.length;
  }
  if (until !== null) all[at] = until;
  all.sort();
  let n = 0;
  for (const t of all) if (n === 0 || t !== all[n - 1]) all[n++] = t;
  const x = all.subarray(0, n);
  const columns = [x];
  for (const pen of pens) columns.push(...spread(pen, x, until));
  return columns;
}

function spread(pen, x, until) {
  const columns = [new Array(x.length), new Array(x.length), new Array(x.length)];
  const sources = [pen.value, pen.high, pen.low];
  let row = 0;
  for (let i = 0; i < pen.t.length; i++) {
    while (x[row] < pen.t[i]) row++;
    for (let c = 0; c < 3; c++) columns[c][row] = sources[c][i];
    if (pen.value[i] !== null) continue;
    const end = pen.t[i + 1] ?? Infinity;
    for (; row < x.length && x[row] < end; row++) for (const column of columns) column[row] = null;
  }
  const last = pen.t.length - 1;
  if (until !== null && last >= 0 && pen.t[last] < until) {
    const edge = x.length - 1;
    for (const column of columns) column[edge] = pen.value[last];
  }
  return columns;
}

/**
 * The value in force at a time, null in a gap, undefined before the first point.
 * @param {Points} points
 * @param {number} t
 * @returns {number | null | undefined}
 */
export function valueAt(points, t) {
  let [low, high] = [0, points.t.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points.t[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low ? points.value[low - 1] : undefined;
}

/**
 * Extremes of what is drawn between two times; null if nothing is.
 * @param {Points} points
 * @param {number} from
 * @param {number} to
 * @returns {[number, number] | null}
 */
export function extremes(points, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < points.t.length; i++) {
    if (points.t[i] > to || (points.t[i + 1] ?? Infinity) < from || points.value[i] === null) continue;
    low = Math.min(low, points.low[i]);
    high = Math.max(high, points.high[i]);
  }
  return low <= high ? [low, high] : null;
}
