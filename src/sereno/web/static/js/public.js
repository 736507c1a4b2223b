/** What pages of applications may rely on; everything else may change. See docs/pages.md. */

import "./shell.js";

export { ApiError, history, request, tags, urlPath } from "./api.js";
export { bindings } from "./bindings.js";
export { call, write } from "./commands.js";
export { showAcks } from "./components/acks.js";
export { confirmAct, confirmWrite } from "./components/confirm.js";
export { editor } from "./components/editor.js";
export { askOverride, overrideText } from "./components/override.js";
export { openFaceplate } from "./components/faceplate.js";
export { toast } from "./components/toast.js";
export { el, icon, setAttribute, setText, svgEl } from "./dom.js";
export { formatAge, formatDayTime, formatDuration, formatNumber, formatTime, formatUnit, formatValue, labelOf } from "./format.js";
export { lang, t } from "./i18n.js";
export { live } from "./live.js";
export { endSubstitution, guards, substitute, substitutions } from "./overrides.js";
export { look, setLook, siteTime, siteZone, zoneName } from "./present.js";
export { severity } from "./quality.js";
export { TrendChart, penStyle } from "./trend/chart.js";
export { TrendModel } from "./trend/model.js";

const rights = new Set((document.documentElement.dataset.may ?? "").split(" "));

/**
 * True if who is signed in has this right somewhere ("read", "history", "write", "call", ...). Where, the server decides.
 * @param {string} right
 */
export function may(right) {
  return rights.has(right);
}
