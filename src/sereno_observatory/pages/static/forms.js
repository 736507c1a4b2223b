/** Commands of devices as forms: what a device declares of its commands decides the fields. */

import { bindings, el, formatUnit, request, setText, t } from "../../js/public.js";
import { actButton, ackList } from "./acts.js";
import { parseAngle } from "./angles.js";
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

const ANGLES = new Set(["right_ascension", "declination"]);

/** An angle may be typed as a number or in parts: 5.5, 05:30:00. */
function angle(parameter, id) {
  const input = el("input", { className: "input", id, type: "text", inputMode: "text", required: !parameter.optional, autocomplete: "off", placeholder: parameter.name === "right_ascension" ? "hh:mm:ss" : "±dd:mm:ss" });
  const check = () => {
    const value = parseAngle(input.value);
    const [low, high] = [parameter.low ?? -Infinity, parameter.high ?? Infinity];
    const wrong = value === null ? t("observatory.angle.no") : value < low || value > high ? t("observatory.angle.range", { low, high }) : "";
    input.setCustomValidity(input.value.trim() ? wrong : "");
  };
  input.addEventListener("input", check);
  return input;
}

/** The filters that a wheel says it has. */
function filters(device, id) {
  const select = el("select", { className: "input", id, required: true });
  bindings.bind(`${device}/filters`, (state) => {
    const names = Array.isArray(state.value) ? state.value : [];
    if (names.join("\n") === [...select.options].map((option) => option.value).join("\n")) return;
    const chosen = select.value;
    select.replaceChildren(...names.map((name) => el("option", { value: name, selected: name === chosen }, name)));
  });
  return select;
}

function field(parameter, id, device, command) {
  if (ANGLES.has(parameter.name) && parameter.type.startsWith("float")) return angle(parameter, id);
  if (command === "select" && parameter.name === "filter") return filters(device, id);
  if (parameter.type === "bool" || parameter.labels?.length) return choice(parameter, id);
  const number = parameter.type.startsWith("float") || INTEGERS.test(parameter.type);
  return el("input", {
    className: "input", id, type: number ? "number" : "text", step: INTEGERS.test(parameter.type) ? "1" : "any", required: !parameter.optional && number,
    min: parameter.low ?? undefined, max: parameter.high ?? undefined, autocomplete: "off",
    ...(parameter.optional ? { [number ? "value" : "placeholder"]: number ? String(parameter.default ?? "") : inWords(String(parameter.default ?? "")) } : {}),
  });
}

function valueOf(parameter, input) {
  if (ANGLES.has(parameter.name)) return parseAngle(input.value);
  if (parameter.type === "bool") return input.value === "true";
  if (parameter.labels?.length || !(parameter.type.startsWith("float") || INTEGERS.test(parameter.type))) return input.value || String(parameter.default ?? "");
  return Number(input.value);
}

/** What is asked for a command and how: a switch as two buttons, everything else as one beside its fields. */
function answers(spec) {
  const last = spec.parameters.at(-1);
  const name = named("observatory.command.", spec.name);
  if (last?.type !== "bool" || last.name !== "on") return { asked: spec.parameters, ways: [{ label: name, more: [] }] };
  return { asked: spec.parameters.slice(0, -1), ways: [true, false].map((on) => ({ label: t(on ? "observatory.switch.on" : "observatory.switch.off", { name }), more: [on] })) };
}

/**
 * A form for one command of a device.
 * @param {string} device path
 * @param {any} spec as the node tells it
 * @param {HTMLElement} acks where what becomes of it is shown
 */
export function commandForm(device, spec, acks) {
  const { asked, ways } = answers(spec);
  const inputs = asked.map((parameter) => field(parameter, `${device}-${spec.name}-${parameter.name}`.replaceAll("/", "-"), device, spec.name));
  const form = el("form", { className: "ob-command", dataset: { command: spec.name } });
  const values = (more) => [...asked.map((parameter, i) => valueOf(parameter, inputs[i])), ...more];
  const buttons = ways.map(({ label, more }) => actButton({
    label, text: inWords(spec.description), asks: !AT_ONCE.has(spec.name),
    command: () => (form.reportValidity() ? { target: device, name: spec.name, arguments: values(more) } : null),
  }, acks));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (buttons.length === 1) buttons[0].click();
  });
  for (const button of buttons) button.title = inWords(spec.description);
  form.append(...asked.map((parameter, i) => el("label", { className: "ob-field", for: inputs[i].id },
    el("span", { className: "field-label" }, `${named("observatory.parameter.", parameter.name)}${parameter.unit ? ` (${formatUnit(parameter.unit)})` : ""}`), inputs[i])), ...buttons);
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
