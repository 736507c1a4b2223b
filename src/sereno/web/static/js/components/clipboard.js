/** Copying, also on plain http, where the clipboard API does not exist. */

import { el } from "../dom.js";
import { t } from "../i18n.js";
import { toast } from "./toast.js";

/** @param {string} text */
export async function copyText(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
  else copyBySelection(text);
  toast(t("copied", { text }));
}

function copyBySelection(text) {
  const field = el("textarea", { className: "unseen", value: text, readOnly: true });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
