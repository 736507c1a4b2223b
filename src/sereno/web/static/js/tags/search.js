/** Finding and ordering tags. Pure. */

/**
 * A test whether a tag fits what was typed: every word must occur in its path, description or unit, case and accents aside.
 * @param {string} query
 * @returns {(spec: import("../format.js").TagSpec) => boolean}
 */
export function matcher(query) {
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (!words.length) return () => true;
  return (spec) => {
    const text = haystack(spec);
    return words.every((word) => text.includes(word));
  };
}

const HAYSTACKS = new WeakMap();

function haystack(spec) {
  if (!HAYSTACKS.has(spec)) HAYSTACKS.set(spec, plain(`${spec.tag} ${spec.description ?? ""} ${spec.unit ?? ""}`));
  return HAYSTACKS.get(spec);
}

function plain(text) {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}

/**
 * The tags that fit best first: those whose name begins with what was typed, then those whose name holds it, then the rest.
 * @template {import("../format.js").TagSpec} T
 * @param {T[]} specs
 * @param {string} query
 * @param {number} most
 * @returns {T[]}
 */
export function best(specs, query, most) {
  const wanted = plain(query.trim());
  const rank = ({ tag }) => {
    const at = tag.slice(tag.lastIndexOf("/") + 1).indexOf(wanted);
    return at === 0 ? 0 : at > 0 ? 1 : 2;
  };
  const found = specs.filter(matcher(query)).map((spec) => ({ spec, rank: rank(spec) }));
  found.sort((a, b) => a.rank - b.rank || a.spec.tag.length - b.spec.tag.length || (a.spec.tag < b.spec.tag ? -1 : 1));
  return found.slice(0, most).map(({ spec }) => spec);
}

/** Device path of a tag. */
export function deviceOf(tag) {
  return tag.slice(0, tag.lastIndexOf("/"));
}

/**
 * The tree of areas and devices with how many tags lie below each.
 * @typedef {{name: string, path: string, count: number, children: Node[]}} Node
 * @param {Array<{tag: string}>} specs
 * @returns {Node[]}
 */
export function treeOf(specs) {
  const roots = [];
  const nodes = new Map();
  for (const { tag } of specs) {
    const parts = deviceOf(tag).split("/");
    parts.forEach((name, depth) => {
      const path = parts.slice(0, depth + 1).join("/");
      if (!nodes.has(path)) {
        const node = { name, path, count: 0, children: [] };
        nodes.set(path, node);
        (depth ? nodes.get(parts.slice(0, depth).join("/")).children : roots).push(node);
      }
      nodes.get(path).count += 1;
    });
  }
  return roots;
}

/**
 * A comparison of tags by a column, ties by path. Numbers inside names count as numbers: pump2 before pump10.
 * @param {"tag" | "value" | "quality" | "description"} column
 * @param {1 | -1} direction
 * @param {(tag: string) => import("../bindings.js").TagState | undefined} stateOf
 */
export function comparison(column, direction, stateOf) {
  const collator = new Intl.Collator("en", { numeric: true });
  const byPath = (a, b) => collator.compare(a.tag, b.tag);
  const keys = {
    value: (spec) => orderOf(stateOf(spec.tag)?.value),
    quality: (spec) => stateOf(spec.tag)?.quality ?? -1,
  };
  if (column === "tag") return (a, b) => direction * byPath(a, b);
  if (column === "description") return (a, b) => direction * collator.compare(a.description ?? "", b.description ?? "") || byPath(a, b);
  const key = keys[column];
  return (a, b) => direction * (key(a) - key(b)) || byPath(a, b);
}

function orderOf(value) {
  if (value === null || value === undefined || typeof value === "string" || Array.isArray(value)) return -Infinity;
  return Number(value);
}
