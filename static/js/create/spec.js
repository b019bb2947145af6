// A create body as one object: read and written by path, shown as text. Nothing here knows the page.

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
// Left empty they stay in the body, so that the JSON shows what is still to be said.
const REQUIRED = new Set(["jobName", "image", "command"]);
const HIDDEN = /[\p{Cc}\p{Cf}]/gu;

// The object of a text, or null. `why` hears what is wrong with the text.
export function parse(text, why) {
  try {
    const value = JSON.parse(text);
    if (isObject(value)) return value;
    why?.("");
  } catch (error) {
    why?.(error.message);
  }
  return null;
}

export function get(body, path) {
  return path.split(".").reduce((at, key) => (isObject(at) ? at[key] : undefined), body);
}

// Empty text is "not given" and takes the field away, with the objects that held nothing else.
export function put(body, path, value) {
  const [key, ...rest] = path.split(".");
  if (rest.length) {
    if (!isObject(body[key])) body[key] = {};
    put(body[key], rest.join("."), value);
    if (!Object.keys(body[key]).length) delete body[key];
  } else if (value === "" && !REQUIRED.has(key)) delete body[key];
  else body[key] = value;
}

// A whole number where the text is one, else the text, for the platform to refuse.
export const numberOf = (text) => (/^-?\d{1,15}$/.test(text.trim()) ? Number(text) : text.trim());

export const textOf = (value) => (value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

// A shell line as its writer typed it, any other command as a JSON list.
export function commandText(command) {
  if (!Array.isArray(command)) return textOf(command);
  const [shell, option, line] = command;
  return command.length === 3 && shell === "/bin/sh" && option === "-c" ? textOf(line) : JSON.stringify(command);
}

export function commandOf(text) {
  const trimmed = text.trim();
  if (!trimmed.startsWith("[")) return trimmed;
  try {
    const list = JSON.parse(trimmed);
    return Array.isArray(list) ? list : trimmed;
  } catch {
    return trimmed; // such as `[ -f checkpoint ] && …`: a shell line
  }
}

const units = (text) => [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");

// JSON as people read it: characters that cannot be seen are written as \uXXXX, which means the same.
export const pretty = (value) => JSON.stringify(value, null, 2).replace(HIDDEN, (char) => (char === "\n" ? char : units(char)));

// Without the values of secrets, which stay with the form.
export function masked(body, stand) {
  if (!Array.isArray(body.envs)) return body;
  const hide = (env) => {
    if (!isObject(env) || !env.secret) return env;
    const { value: _value, ...rest } = env;
    return stand ? { ...rest, value: stand } : rest;
  };
  return { ...body, envs: body.envs.map(hide) };
}

// The secrets' values that a masked body leaves out, from the body it was made of.
export function unmasked(body, before) {
  if (!Array.isArray(body.envs) || !Array.isArray(before?.envs)) return body;
  const values = new Map(before.envs.filter((env) => isObject(env) && env.secret).map((env) => [env.name, env.value]));
  const give = (env) => (isObject(env) && env.secret && env.value === undefined && values.get(env.name) !== undefined ? { ...env, value: values.get(env.name) } : env);
  return { ...body, envs: body.envs.map(give) };
}
