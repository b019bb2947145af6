// Refreshes: every few seconds each [data-live] element asks for itself anew and is patched in place, while the page
// is seen and no question is open. When the platform does not answer, a note says how old the page is.
import { patch } from "./patch.js";

const EVERY_MS = 3000;
let answeredAt = Date.now();

htmx.defineExtension("patch", {
  isInlineSwap: (style) => style === "patch",
  handleSwap(style, target, fragment) {
    if (style !== "patch") return false;
    for (const fresh of [...fragment.children]) {
      const old = document.getElementById(fresh.id);
      if (old) patch(old, fresh);
    }
    return [target];
  },
});

// Rows do not move under the pointer or the keyboard: the server is told which ones are being looked at.
function heldRows() {
  const table = document.getElementById("jobs");
  if (!table || !(table.matches(":hover") || table.contains(document.activeElement))) return "";
  return [...table.querySelectorAll("[data-job]")].map((row) => row.dataset.job).join(",");
}

function configure(event) {
  const { elt, parameters, triggeringEvent } = event.detail;
  if (triggeringEvent?.type === "poll" && elt.id === "listing" && heldRows()) parameters.held = heldRows();
  if (elt.hasAttribute("data-with-url")) {
    for (const [name, value] of new URLSearchParams(location.search)) parameters[name] = value;
  }
  if (elt.closest("[data-drop-empty]")) {
    for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
  }
}

function showAge() {
  const note = document.getElementById("link");
  const seconds = Math.round((Date.now() - answeredAt) / 1000);
  note.textContent = note.dataset.text.replace("%s", seconds);
  note.hidden = false;
}

function tick() {
  if (document.hidden || document.querySelector("dialog[open]")) return;
  for (const element of document.querySelectorAll("[data-live]")) htmx.trigger(element, "poll");
}

export function startRefreshes() {
  document.body.addEventListener("htmx:configRequest", configure);
  document.body.addEventListener("htmx:sendError", showAge);
  document.body.addEventListener("htmx:responseError", showAge);
  document.body.addEventListener("htmx:afterOnLoad", () => {
    answeredAt = Date.now();
    document.getElementById("link").hidden = true;
  });
  document.body.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-show-unseen]")) location.reload();
  });
  document.addEventListener("visibilitychange", tick);
  setInterval(tick, EVERY_MS);
}
