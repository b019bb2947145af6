// Selected rows, and what is done with all of them at once. It is done after five seconds, in which it can be undone;
// leaving the page does it at once.
const UNDO_MS = 5000;
const MOST_COMPARED = 8;

const bar = document.getElementById("picked");
const note = document.getElementById("undo");
const picked = new Set(); // ids; they stay while the list refreshes
let last = null;
let pending = null;

const boxes = () => [...document.querySelectorAll("#jobs [data-pick]")];
const idOf = (box) => box.closest("tr").dataset.job;

function show() {
  const shown = boxes();
  const ids = new Set(shown.map(idOf));
  for (const id of picked) if (!ids.has(id)) picked.delete(id);
  for (const box of shown) {
    box.checked = picked.has(idOf(box));
    box.closest("tr").classList.toggle("is-chosen", box.checked);
    box.closest("tr").classList.toggle("is-going", Boolean(pending?.ids.includes(idOf(box))));
  }
  bar.hidden = picked.size === 0 || !note.hidden;
  bar.querySelector("[data-count]").textContent = bar.dataset.selected.replace("%s", picked.size);
  const may = shown.some((box) => box.checked && "may" in box.dataset);
  for (const name of ["stop", "delete"]) bar.querySelector(`[data-bulk=${name}]`).disabled = !may;
  bar.querySelector("[data-bulk=compare]").disabled = picked.size < 2 || picked.size > MOST_COMPARED;
}

function pick(box, on, through) {
  const all = boxes();
  const [from, to] = [all.indexOf(through ? last : box), all.indexOf(box)].sort((one, other) => one - other);
  for (const one of all.slice(Math.max(from, 0), to + 1)) {
    if (on) picked.add(idOf(one));
    else picked.delete(idOf(one));
  }
  last = box;
  show();
}

const counted = (name, number) => (number === 1 ? bar.dataset[`${name}One`] : bar.dataset[name].replace("%s", number));

function say(text, { undo = false } = {}) {
  note.querySelector("[data-text]").textContent = text;
  note.querySelector("[data-undo]").hidden = !undo;
  note.querySelector("[data-dismiss]").hidden = undo;
  note.hidden = false;
  show();
}

function begin(action) {
  const ids = boxes().filter((box) => box.checked && "may" in box.dataset).map(idOf);
  if (!ids.length) return;
  pending = { action, ids, timer: setTimeout(send, UNDO_MS) };
  picked.clear();
  say(counted(action === "stop" ? "stopping" : "deleting", ids.length), { undo: true });
  note.querySelector("[data-undo]").focus();
}

function undo() {
  clearTimeout(pending.timer);
  pending = null;
  say(bar.dataset.undone);
}

async function send() {
  const { action, ids, timer } = pending;
  clearTimeout(timer);
  const body = new URLSearchParams([["action", action], ...ids.map((id) => ["job", id])]);
  body.set("csrfmiddlewaretoken", document.querySelector("main > [name=csrfmiddlewaretoken]").value);
  pending = null;
  try {
    const answer = await fetch(bar.dataset.address, { method: "POST", body, keepalive: true });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { done, refused } = await answer.json();
    say([counted("done", done), ...refused].join(" "));
  } catch {
    say(bar.dataset.failed);
  }
  htmx.trigger("#listing", "poll");
}

document.addEventListener("click", (event) => {
  const element = event.target instanceof Element ? event.target : null;
  if (element?.matches("#jobs [data-pick]")) pick(element, element.checked, event.shiftKey && last?.isConnected);
  const action = element?.closest("[data-bulk]")?.dataset.bulk;
  if (action === "stop" || action === "delete") begin(action);
  else if (action === "compare") location.assign(`${bar.dataset.compare}?ids=${[...picked].join(",")}`);
  else if (action === "none") { picked.clear(); show(); }
  else if (element?.closest("[data-undo]")) undo();
  else if (element?.closest("[data-dismiss]")) { note.hidden = true; show(); }
});
document.addEventListener("pick-row", (event) => {
  const box = event.target.querySelector("[data-pick]");
  if (box) pick(box, !box.checked, false);
});
document.body.addEventListener("htmx:afterSettle", show);
addEventListener("pagehide", () => { if (pending) send(); });
