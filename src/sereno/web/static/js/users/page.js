/** People, their roles, tokens and sessions. Every change is asked about where it hurts, and takes effect at once. */

import { request } from "../api.js";
import { toast } from "../components/toast.js";
import { el } from "../dom.js";
import { t } from "../i18n.js";
import "../shell.js";
import { ask, choice, choices, chosenIn, field, showOnce, valueOf } from "./dialogs.js";
import { action, chips, row, SESSION_HEADS, sessionRows, showTable, time, TOKEN_HEADS, tokenRows } from "./tables.js";

const send = (method, path, body) => request(path, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
let users = [];
let roles = [];

async function load() {
  try {
    const answers = await Promise.all(["users", "roles", "tokens", "sessions", "kiosks"].map((path) => request(path)));
    [users, roles] = [answers[0].users, answers[1].roles];
    showUsers();
    showRoles();
    showTable("tokens", TOKEN_HEADS, tokenRows(answers[2].tokens, revokeToken));
    showTable("sessions", SESSION_HEADS, sessionRows(answers[3].sessions, endSession));
    showKiosks(answers[4].kiosks);
  } catch (error) {
    document.getElementById("users-note").textContent = error.message;
  }
}

async function change(question, done) {
  const result = await ask(question);
  if (result === undefined) return;
  if (typeof done === "string") toast(done);
  else done(result);
  await load();
}

function showUsers() {
  showTable("users", ["user", "roles", "state", "since", ""], users.map((user) => row(
    [user.name, chips(user.roles), user.disabled ? el("span", { className: "chip chip-warn" }, t("users.disabled")) : state(user), time(user.created)],
    [action("roles", user.name, () => setRoles(user)), action("new_password", user.name, () => newPassword(user)),
      action(user.disabled ? "enable" : "disable", user.name, () => setDisabled(user))],
    { className: user.disabled ? "is-disabled" : "", dataset: { user: user.name } })));
}

function state(user) {
  return user.recovered ? el("span", {}, `${t("users.active")}, `, el("span", { className: "chip" }, t("users.recovered", { time: time(user.recovered) }))) : t("users.active");
}

function showRoles() {
  showTable("roles", ["role", "permissions", ""], roles.map((role) => row(
    [role.name, role.permissions.map((p) => (p.glob === "*" ? p.right : `${p.right} ${p.glob}`)).join(", ")],
    role.built_in ? [el("span", { className: "chip" }, t("users.built_in"))]
      : [action("change", role.name, () => putRole(role)), action("delete", role.name, () => dropRole(role))],
    { dataset: { role: role.name } })));
}

function showKiosks(kiosks) {
  showTable("kiosks", ["name", "kiosk_reads", "creator", "since", "seen", "origin", ""], kiosks.map((one) => row(
    [one.name, one.reads.join(", "), one.creator, time(one.created), time(one.seen), one.origin || "–"],
    [action("revoke", one.name, () => revokeKiosk(one))], { dataset: { kiosk: one.name } })));
}

const roleNames = () => roles.map((role) => role.name);

function addUser() {
  const set = choices(t("users.roles"), roleNames(), ["viewer"]);
  change({
    title: t("users.add_users"), fields: [field(t("users.user"), "new-user", { pattern: "[a-z0-9][a-z0-9._@\\-]{0,63}" }), set], button: t("users.add_users"),
    act: () => send("POST", "users", { name: valueOf("new-user"), roles: chosenIn(set) }),
  }, (made) => showOnce(t("users.password"), made.name, made.password));
}

function setRoles(user) {
  const set = choices(t("users.roles"), roleNames(), user.roles);
  change({ title: t("users.roles_of", { name: user.name }), fields: [set], button: t("users.save"),
    act: () => send("PUT", `users/${encodeURIComponent(user.name)}`, { roles: chosenIn(set) }) }, t("users.saved"));
}

function setDisabled(user) {
  const word = user.disabled ? "enable" : "disable";
  change({ title: t(`users.${word}_question`, { name: user.name }), text: t(`users.${word}_text`), button: t(`users.${word}`),
    act: () => send("PUT", `users/${encodeURIComponent(user.name)}`, { disabled: !user.disabled }) }, t("users.saved"));
}

function newPassword(user) {
  change({ title: t("users.new_password_question", { name: user.name }), text: t("users.new_password_text"), button: t("users.new_password"),
    act: () => send("POST", `users/${encodeURIComponent(user.name)}/password`) }, (made) => showOnce(t("users.password"), made.name, made.password));
}

function permissionsIn(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [right, ...glob] = line.split(/\s+/);
    return { right, glob: glob.join(" ") || "*" };
  });
}

function putRole(role = null) {
  const lines = (role?.permissions ?? [{ right: "read", glob: "*" }]).map((p) => `${p.right} ${p.glob}`).join("\n");
  const text = el("label", { className: "field", for: "role-permissions" }, el("span", { className: "field-label" }, t("users.permissions_hint")),
    el("textarea", { className: "input mono", id: "role-permissions", value: lines, spellcheck: false, required: true }));
  change({ title: t("users.add_roles"), fields: [field(t("users.role"), "role-name", { value: role?.name ?? "", readOnly: role !== null }), text], button: t("users.save"),
    act: () => send("PUT", `roles/${encodeURIComponent(valueOf("role-name"))}`, { permissions: permissionsIn(valueOf("role-permissions")) }) }, t("users.saved"));
}

function dropRole(role) {
  change({ title: t("users.delete_question", { name: role.name }), button: t("users.delete"), act: () => send("DELETE", `roles/${encodeURIComponent(role.name)}`) }, t("users.saved"));
}

function addToken() {
  const fields = [field(t("users.name"), "token-name", { maxLength: 64 }), choice(t("users.owner"), "token-owner", users.map((user) => user.name)),
    choice(t("users.role"), "token-role", roleNames(), "viewer"), field(t("users.days"), "token-days", { type: "number", min: 1, max: 366, value: "30" })];
  change({ title: t("users.add_tokens"), fields, button: t("users.add_tokens"),
    act: () => send("POST", "tokens", { name: valueOf("token-name"), owner: valueOf("token-owner"), role: valueOf("token-role"), days: Number(valueOf("token-days")) }) },
  (made) => showOnce(t("users.token"), made.name, made.token));
}

function revokeToken(token) {
  change({ title: t("users.revoke_question", { name: token.name }), text: t("users.revoke_text"), button: t("users.revoke"), act: () => send("DELETE", `tokens/${token.id}`) }, t("users.saved"));
}

function endSession(session) {
  change({ title: t("users.end_question", { name: session.user }), text: t("users.end_text"), button: t("users.end"), act: () => send("DELETE", `sessions/${session.id}`) }, t("users.saved"));
}

function addKiosk() {
  const fields = [field(t("users.name"), "kiosk-name", { pattern: "[a-z0-9][a-z0-9._\\-]{0,47}" }), field(t("users.kiosk_reads_hint"), "kiosk-reads", { value: "*", maxLength: 1000 })];
  const act = () => send("POST", "kiosks", { name: valueOf("kiosk-name"), reads: valueOf("kiosk-reads").split(/\s+/).filter(Boolean) });
  change({ title: t("users.add_kiosks"), text: t("users.kiosk_text"), fields, button: t("users.add_kiosks"), act },
    (made) => showOnce(t("users.kiosk_link"), made.name, `${location.origin}${made.link}`));
}

function revokeKiosk(kiosk) {
  change({ title: t("users.kiosk_question", { name: kiosk.name }), text: t("users.end_text"), button: t("users.revoke"), act: () => send("DELETE", `kiosks/${encodeURIComponent(kiosk.name)}`) }, t("users.saved"));
}

for (const [id, click] of [["add-users", addUser], ["add-roles", () => putRole()], ["add-tokens", addToken], ["add-kiosks", addKiosk]]) {
  document.getElementById(id).addEventListener("click", click);
}
load();
