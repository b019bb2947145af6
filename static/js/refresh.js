// Refreshes: each [data-live] element asks for itself anew and is patched in place, as soon as the live channel tells
// that its data-topic changed, while the page is seen and no question is open. Without the channel, or without a topic,
// every few seconds. When the platform does not answer, a note says how old the page is.
import { isUp, watch } from "./live.js";
import { patch } from "./patch.js";

const EVERY_MS = 3000;
const EVERY_LIVE_MS = 30_000; // ages in words; and what the channel may have lost
const SPACING_MS = 250; // between two refreshes of what is shown
const UNSEEN_SPACING_MS = 1000; // of what may newly belong to it, and of pools: each job that moves changes its own

let answeredAt = Date.now();
let aging = 0;
const refreshes = new WeakMap(); // element -> {at, timer, due, busy, missed}

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

function answered() {
  answeredAt = Date.now();
  clearInterval(aging);
  aging = 0;
  document.getElementById("link").hidden = true;
}

function showAge() {
  const note = document.getElementById("link");
  note.textContent = note.dataset.text.replace("%s", Math.round((Date.now() - answeredAt) / 1000));
  note.hidden = false;
  aging ||= setInterval(showAge, 1000);
}

const asleep = () => document.hidden || document.querySelector("dialog[open]");

function stateOf(element) {
  if (!refreshes.has(element)) refreshes.set(element, { at: Date.now(), timer: 0, due: 0, busy: false, missed: false });
  return refreshes.get(element);
}

function refresh(element) {
  const state = stateOf(element);
  clearTimeout(state.timer);
  state.timer = 0;
  if (!element.isConnected) return;
  if (asleep()) {
    state.missed = true;
    return;
  }
  state.missed = false;
  state.at = Date.now();
  htmx.trigger(element, "poll");
}

// At once when the last one is long enough ago, else when it is; never later than a request before asked for.
function soon(element, spacing) {
  const state = stateOf(element);
  const due = Math.max(Date.now(), state.at + spacing);
  if (state.timer && state.due <= due) return;
  clearTimeout(state.timer);
  state.due = due;
  state.timer = setTimeout(refresh, due - Date.now(), element);
}

const ofTopic = (topic) => document.querySelectorAll(`[data-live][data-topic="${topic}"]`);

function hear(topic, change) {
  for (const element of ofTopic(topic)) {
    const shown = !change || topic.startsWith("job:") || change.jobs.some(({ jobId }) => document.getElementById(`row-${jobId}`));
    soon(element, shown ? SPACING_MS : UNSEEN_SPACING_MS);
  }
}

function tick() {
  if (asleep()) return;
  for (const element of document.querySelectorAll("[data-live]")) {
    const state = stateOf(element);
    const every = isUp() && element.dataset.topic ? EVERY_LIVE_MS : EVERY_MS;
    if (state.missed || Date.now() - state.at >= every - 100) refresh(element);
  }
}

function refreshAll() {
  if (!asleep()) for (const element of document.querySelectorAll("[data-live]")) refresh(element);
}

export function startRefreshes() {
  document.body.addEventListener("htmx:configRequest", configure);
  document.body.addEventListener("htmx:sendError", showAge);
  document.body.addEventListener("htmx:responseError", showAge);
  document.body.addEventListener("htmx:afterOnLoad", answered);
  document.body.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-show-unseen]")) location.reload();
  });
  const topics = new Set([...document.querySelectorAll("[data-live][data-topic]")].map((one) => one.dataset.topic));
  for (const topic of topics) watch(topic, (change) => hear(topic, change));
  document.addEventListener("live-down", refreshAll); // shows at once whether the platform still answers
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("close", tick, true); // a dialog's
  setInterval(tick, 1000);
}
