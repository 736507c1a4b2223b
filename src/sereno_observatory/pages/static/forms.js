/** Commands of devices as forms: what a device declares of its commands decides the fields. */

import { el, formatUnit, request, setText, t } from "../../js/public.js";
import { actButton, ackList } from "./acts.js";
import { inWords } from "./words.js";

/** These stop something: no question is in their way. */
const AT_ONCE = new Set(["abort", "stop_telescope", "close", "close_dome", "make_safe", "refresh"]);
const INTEGERS = /^u?int/;

/** All devices by path, with the commands that they declare. */
export async function devices() {
  return new Map((await request("devices")).devices.map((one) => [one.path, one]));
}

/** What a command or a parameter is called here; its own name where nobody has named it. */
function named(family, name) {
  const found = t(`${family}${name}`);
  return found === `${family}${name}` ? name.replaceAll("_", " ") : found;
}

function choice(parameter, id) {
  const values = parameter.type === "bool" ? [["true", t("value.true")], ["false", t("value.false")]] : parameter.labels.map((label) => [label, inWords(label)]);
  return el("select", { className: "input", id }, ...values.map(([value, text]) => el("option", { value, selected: String(parameter.default) === value }, text)));
}

function field(parameter, id) {
  if (parameter.type === "bool" || parameter.labels?.length) return choice(parameter, id);
  const number = parameter.type.startsWith("float") || INTEGERS.test(parameter.type);
  return el("input", {
    className: "input", id, type: number ? "number" : "text", step: INTEGERS.test(parameter.type) ? "1" : "any", required: !parameter.optional && number,
    min: parameter.low ?? undefined, max: parameter.high ?? undefined, value: parameter.optional ? String(parameter.default ?? "") : "", autocomplete: "off",
  });
}

function valueOf(parameter, input) {
  if (parameter.type === "bool") return input.value === "true";
  if (parameter.labels?.length || !(parameter.type.startsWith("float") || INTEGERS.test(parameter.type))) return input.value;
  return Number(input.value);
}

/**
 * A form for one command of a device.
 * @param {string} device path
 * @param {any} spec as the node tells it
 * @param {HTMLElement} acks where what becomes of it is shown
 */
export function commandForm(device, spec, acks) {
  const name = named("observatory.command.", spec.name);
  const inputs = spec.parameters.map((parameter) => field(parameter, `${device}-${spec.name}-${parameter.name}`.replaceAll("/", "-")));
  const form = el("form", { className: "ob-command", dataset: { command: spec.name } });
  const button = actButton({
    label: name, text: spec.description, asks: !AT_ONCE.has(spec.name),
    command: () => (form.reportValidity() ? { target: device, name: spec.name, arguments: spec.parameters.map((parameter, i) => valueOf(parameter, inputs[i])) } : null),
  }, acks);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.click();
  });
  button.title = spec.description;
  form.append(...spec.parameters.map((parameter, i) => el("label", { className: "ob-field", for: inputs[i].id },
    el("span", { className: "field-label" }, `${named("observatory.parameter.", parameter.name)}${parameter.unit ? ` (${formatUnit(parameter.unit)})` : ""}`), inputs[i])), button);
  return form;
}

/**
 * Forms for commands of a device that have these names (all without `names`), with one list of acks.
 * @param {any} device as the node tells it
 * @param {string[] | null} [names]
 */
export function commandForms(device, names = null) {
  const specs = names ? names.map((name) => device.commands.find((one) => one.name === name)).filter(Boolean) : device.commands;
  const acks = ackList();
  const plain = specs.filter((one) => !one.parameters.length);
  const asking = specs.filter((one) => one.parameters.length);
  return el("div", { className: "ob-commands" }, el("div", { className: "ob-acts" }, ...plain.map((one) => commandForm(device.path, one, acks))),
    ...asking.map((one) => commandForm(device.path, one, acks)), acks);
}

/** A note in a card. */
export function note(text) {
  const element = el("p", { className: "page-sub" });
  setText(element, text);
  return element;
}
