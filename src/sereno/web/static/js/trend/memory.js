/** The trend looked at last in this tab: other pages add pens to it. */

import { fromUrl, toUrl } from "./window.js";

const KEY = "trend";

/** @param {string} query */
export function remember(query) {
  sessionStorage.setItem(KEY, query);
}

/** Query of the last trend, "" if there is none. */
export function remembered() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Address of the trend page with more pens. */
export function withTags(tags) {
  const before = fromUrl(new URLSearchParams(remembered()));
  return `/trend?${toUrl([...new Set([...before.tags, ...tags])], before.window)}`;
}

/** Address of the trend page with one more pen. */
export function withTag(tag) {
  return withTags([tag]);
}
