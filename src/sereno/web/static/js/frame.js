/** Decoder of the binary frame v1 of a live socket (see docs/wire.md). Columns are views of the message, not copies. */

export const SNAPSHOT = 1;
export const CHANGES = 2;
export const HEARTBEAT = 3;

const MAGIC = 0x53;
const VERSION = 1;
const HEADER = 48;
const TWO_32 = 4294967296;

/**
 * @typedef {object} Frame
 * @property {number} kind SNAPSHOT, CHANGES or HEARTBEAT
 * @property {number} sub number of the subscription on its socket
 * @property {number} seq
 * @property {number} tHub ms UTC
 * @property {number} dropped updates merged into this one
 * @property {Float64Array} values
 * @property {Uint32Array} index positions among the subscribed tags
 * @property {Uint16Array} quality
 * @property {BigInt64Array} exactValues
 * @property {Uint32Array} exactRows rows that exactValues stands beside
 * @property {(row: number) => number} tSource ms UTC of a row
 * @property {Array<[number, any, number, number]>} objects position, value, ms UTC, quality
 * @property {Object<string, string>} reasons words by position
 */

/**
 * The frame in a message.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 * @throws {RangeError} for anything but a whole frame v1
 */
export function decodeFrame(buffer) {
  if (buffer.byteLength < HEADER) throw new RangeError(`frame of ${buffer.byteLength} bytes, expected at least ${HEADER}`);
  const view = new DataView(buffer);
  const [magic, version, kind] = [view.getUint8(0), view.getUint8(1), view.getUint8(2)];
  if (magic !== MAGIC || version !== VERSION) throw new RangeError(`frame starts with ${magic} version ${version}, expected ${MAGIC} version ${VERSION}`);
  if (kind < SNAPSHOT || kind > HEARTBEAT) throw new RangeError(`frame of kind ${kind}, expected 1, 2 or 3`);
  const [n, exact, nJson] = [view.getUint32(24, true), view.getUint32(28, true), view.getUint32(32, true)];
  const afterColumns = HEADER + 22 * n + 12 * exact;
  const atJson = afterColumns + ((8 - (afterColumns % 8)) % 8);
  if (buffer.byteLength !== atJson + nJson) throw new RangeError(`frame of ${buffer.byteLength} bytes, expected ${atJson + nJson}`);
  const times = new Uint32Array(buffer, HEADER + 8 * n, 2 * n);
  const extra = nJson ? JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, atJson, nJson))) : {};
  return {
    kind,
    sub: view.getUint32(4, true),
    seq: view.getUint32(8, true) + TWO_32 * view.getUint32(12, true),
    tHub: nsToMs(view.getUint32(16, true), view.getUint32(20, true)),
    dropped: view.getUint32(36, true),
    values: new Float64Array(buffer, HEADER, n),
    exactValues: new BigInt64Array(buffer, HEADER + 16 * n, exact),
    index: new Uint32Array(buffer, HEADER + 16 * n + 8 * exact, n),
    exactRows: new Uint32Array(buffer, HEADER + 20 * n + 8 * exact, exact),
    quality: new Uint16Array(buffer, HEADER + 20 * n + 12 * exact, n),
    tSource: (row) => nsToMs(times[2 * row], times[2 * row + 1]),
    objects: extra.objects ?? [],
    reasons: extra.reasons ?? {},
  };
}

/** int64 ns as two halves -> ms; the high half is signed. A double holds today's time to 256 ns, so no BigInt is made. */
function nsToMs(low, high) {
  return ((high | 0) * TWO_32 + low) / 1e6;
}

/**
 * A row's number as the value of its tag's type.
 * @param {string} type ValueType of the tag
 * @param {number} number from the float64 column
 * @param {bigint | undefined} exact from the int64 column, for int64 and uint64
 * @returns {number | bigint | boolean | null} null = no value
 */
export function rowValue(type, number, exact) {
  if (exact !== undefined) return type === "uint64" ? BigInt.asUintN(64, exact) : exact;
  if (Number.isNaN(number)) return null;
  return type === "bool" ? number !== 0 : number;
}
