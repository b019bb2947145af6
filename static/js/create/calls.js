// The call that does the same as the form, for a shell and for Python's standard library.
import { isObject, masked, pretty } from "./spec.js";

const UNTOLD = "…"; // a secret's value is not shown here either
const PATH = "/api/jobs/create";

export function curl(origin, body) {
  const json = pretty(masked(body, UNTOLD)).replaceAll("'", "'\\''");
  return `curl '${origin}${PATH}' \\\n  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\\n  -d '${json}'`;
}

function literal(value, indent) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  const inner = `${indent}    `;
  const lines = (items, open, close) => (items.length ? `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${indent}${close}` : open + close);
  if (Array.isArray(value)) return lines(value.map((item) => literal(item, inner)), "[", "]");
  if (isObject(value)) return lines(Object.entries(value).map(([key, item]) => `${pretty(key)}: ${literal(item, inner)}`), "{", "}");
  return pretty(value);
}

export function python(origin, body) {
  return `import json, os, urllib.request

body = ${literal(masked(body, UNTOLD), "")}
headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
request = urllib.request.Request("${origin}${PATH}", json.dumps(body).encode(), headers)
print(urllib.request.urlopen(request).read().decode())`;
}
