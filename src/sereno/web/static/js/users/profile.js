/** One's own password, tokens and sessions. */

import { request } from "../api.js";
import { toast } from "../components/toast.js";
import { t } from "../i18n.js";
import "../shell.js";
import { ask, choice, field, showOnce, valueOf } from "./dialogs.js";
import { SESSION_HEADS, sessionRows, showTable, TOKEN_HEADS, tokenRows } from "./tables.js";

let roles = [];

async function load() {
  try {
    const own = await request("profile");
    roles = own.roles;
    showTable("tokens", TOKEN_HEADS, tokenRows(own.tokens, (one) => end("revoke", one.name, `profile/tokens/${one.id}`)));
    showTable("sessions", SESSION_HEADS, sessionRows(own.sessions, (one) => end("end", one.origin, `profile/sessions/${one.id}`)));
  } catch (error) {
    document.getElementById("users-note").textContent = error.message;
  }
}

async function end(word, name, path) {
  const done = await ask({ title: t(`users.${word}_question`, { name }), text: t(`users.${word}_text`), button: t(`users.${word}`), act: () => request(path, { method: "DELETE" }) });
  if (done) await load();
}

async function addToken() {
  const fields = [field(t("users.name"), "token-name", { maxLength: 64 }), choice(t("users.role"), "token-role", roles),
    field(t("users.days"), "token-days", { type: "number", min: 1, max: 366, value: "30" })];
  const made = await ask({ title: t("users.add_tokens"), fields, button: t("users.add_tokens"), act: () => request("profile/tokens", {
    method: "POST", body: JSON.stringify({ name: valueOf("token-name"), role: valueOf("token-role"), days: Number(valueOf("token-days")) }) }) });
  if (!made) return;
  showOnce(t("users.token"), made.name, made.token);
  await load();
}

async function changePassword(event) {
  event.preventDefault();
  const form = event.target;
  const note = document.getElementById("password-note");
  const [old, fresh, again] = ["old", "new", "again"].map((name) => document.getElementById(`password-${name}`).value);
  if (fresh !== again) {
    note.textContent = t("users.password_differs");
    return;
  }
  try {
    await request("profile/password", { method: "POST", body: JSON.stringify({ old, new: fresh }) });
    form.reset();
    note.textContent = t("users.password_hint");
    toast(t("users.password_changed"));
    await load();
  } catch (error) {
    note.textContent = error.message;
  }
}

document.getElementById("password-form").addEventListener("submit", changePassword);
document.getElementById("add-tokens").addEventListener("click", addToken);
load();
