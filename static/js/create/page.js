// The create page: one body, seen as a form and as JSON. Each writes the body and shows it in the other; what the form
// has no field for stays in the body untouched.
import { curl, python } from "./calls.js";
import { check, dropCheck, showErrors } from "./check.js";
import { fill, read, startRows } from "./rows.js";
import { commandOf, commandText, get, masked, numberOf, parse, pretty, put, textOf, unmasked } from "./spec.js";

const form = document.querySelector("[data-create]");
const pane = document.getElementById("f-spec");
const posted = form.elements.spec;
const place = document.getElementById("f-place");
let body = parse(pane.value) ?? {};
let broken = !parse(pane.value);

function choose(select, value) {
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
  select.value = value;
}

function showValue(element) {
  const value = textOf(get(body, element.dataset.path));
  if (element.matches("select")) choose(element, value || element.dataset.unsaid);
  else element.value = value;
}

function showForm() {
  for (const element of form.querySelectorAll("[data-path]")) showValue(element);
  document.getElementById("f-command").value = commandText(body.command);
  const [pool, queue] = [textOf(body.resourcePoolId), textOf(body.queue)];
  choose(place, pool || queue ? `${pool}/${queue}` : place.dataset.unsaid);
  fill(body.envs);
}

function showCalls() {
  for (const [name, write] of [["curl", curl], ["python", python]]) form.querySelector(`[data-call=${name}]`).textContent = write(form.dataset.origin, body);
}

function takeField(element) {
  if (element.id === "f-command") body.command = commandOf(element.value);
  else if (element === place) [body.resourcePoolId, body.queue] = place.value.split("/");
  else put(body, element.dataset.path, element.inputMode === "numeric" ? numberOf(element.value) : element.value);
}

function isTyped(element) {
  if (!element.matches("select")) return element.value !== element.defaultValue;
  const first = [...element.options].find((option) => option.defaultSelected) ?? element.options[0];
  return element.value !== first?.value;
}

// What was typed before this script was there.
function takeEarly() {
  const early = [...form.querySelectorAll("[data-path], #f-command"), place].filter(isTyped);
  for (const element of early) takeField(element);
  if (early.length) pane.value = pretty(masked(body));
}

function formChanged() {
  broken = false;
  pane.value = pretty(masked(body));
  showCalls();
  check(body);
}

function envsChanged() {
  const envs = read();
  if (envs.length) body.envs = envs;
  else delete body.envs;
  formChanged();
}

function refuseText(message) {
  dropCheck();
  showErrors([{ field: "spec", message: `${pane.dataset.broken} ${message}`.trim() }]);
}

function paneChanged() {
  let wrong = "";
  const next = parse(pane.value, (message) => { wrong = message; });
  broken = next === null;
  if (broken) return refuseText(wrong);
  body = unmasked(next, body);
  showForm();
  showCalls();
  check(body);
}

form.addEventListener("input", (event) => {
  const element = event.target;
  if (element === pane) paneChanged();
  else if (element.dataset.path || element.id === "f-command" || element === place) {
    takeField(element);
    formChanged();
  }
});
form.addEventListener("submit", (event) => {
  if (!broken) {
    posted.value = JSON.stringify(body);
    return;
  }
  event.preventDefault();
  pane.focus();
});

// A link of the summary may point into the folded part, or at what only the JSON shows.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest('.notice a[href^="#f-"]') : null;
  if (!link) return;
  const named = document.getElementById(link.hash.slice(1));
  const field = named && !named.closest("[hidden]") ? named : pane;
  event.preventDefault();
  const fold = field.closest("details");
  if (fold) fold.open = true;
  (field.matches("fieldset") ? field.querySelector("input") : field).focus();
});

for (const part of form.querySelectorAll("[data-with-script]")) part.hidden = false;
for (const part of form.querySelectorAll("[data-without-script]")) part.hidden = true;
posted.disabled = false;
startRows(body.envs, envsChanged);
if (!broken) takeEarly();
showCalls();
check(body, !form.querySelector("[role=alert]"));
document.querySelector("[data-focus]")?.focus();
