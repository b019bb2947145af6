// The rows of environment variables: each stands for one object of the body's `envs`, of which it changes only what is
// typed into it.
import { isObject, textOf } from "./spec.js";

const list = document.querySelector("[data-envs]");
const template = document.querySelector("[data-env-template]");
const kept = new WeakMap();

const field = (row, name) => row.querySelector(`[name=${name}]`);
const rows = () => [...list.children];
const filled = () => rows().filter((row) => field(row, "env_name").value || field(row, "env_value").value);

function hideSecret(row) {
  field(row, "env_value").classList.toggle("is-secret", field(row, "env_kind").value === "secret");
}

function make(env) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector("[id]").removeAttribute("id");
  field(row, "env_name").value = textOf(env.name);
  field(row, "env_value").value = textOf(env.value);
  field(row, "env_kind").value = env.secret ? "secret" : "plain";
  return adopt(row, env);
}

function adopt(row, env) {
  kept.set(row, env);
  row.querySelector("[data-remove-env]").hidden = false;
  hideSecret(row);
  return row;
}

function take(row, element) {
  const env = kept.get(row);
  if (element.name === "env_name") env.name = element.value.trim();
  if (element.name === "env_value") env.value = element.value;
  if (element.name === "env_kind" && element.value === "secret") env.secret = true;
  else if (element.name === "env_kind") delete env.secret;
  hideSecret(row);
}

export const read = () => filled().map((row) => ({ name: "", value: "", ...kept.get(row) }));

// The input of the body's variable of this number.
export const nameField = (index) => (filled()[index] ? field(filled()[index], "env_name") : null);

export function fill(envs) {
  const objects = Array.isArray(envs) ? envs.filter(isObject) : [];
  list.replaceChildren(...(objects.length ? objects : [{}]).map((env) => make({ ...env })));
}

export function startRows(envs, changed) {
  const known = filled();
  for (const row of rows()) adopt(row, { ...(envs?.[known.indexOf(row)] ?? {}) });
  const add = document.querySelector("[data-add-env]");
  add.hidden = false;
  add.addEventListener("click", () => {
    list.append(make({}));
    field(list.lastElementChild, "env_name").focus();
  });
  list.addEventListener("click", (event) => {
    if (!event.target.closest("[data-remove-env]")) return;
    event.target.closest(".env").remove();
    add.focus();
    changed();
  });
  list.addEventListener("input", (event) => {
    take(event.target.closest(".env"), event.target);
    changed();
  });
}
