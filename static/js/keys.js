// The keyboard. Nothing is caught while somebody types or a dialog is open.

const typing = (element) => element instanceof Element && element.closest("input, textarea, select, [contenteditable], .terminal");

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return false;
  const row = document.activeElement?.closest?.("tr");
  const at = rows.findIndex((link) => link.closest("tr") === row);
  const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
  return true;
}

// From the row to its first action, to the next one, and from the last one back to the row.
function moveToAction() {
  const row = document.activeElement?.closest?.("[data-job]");
  const places = row ? [...row.querySelectorAll("[data-row], .row-actions a")] : [];
  places[(places.indexOf(document.activeElement) + 1) % places.length]?.focus();
  return places.length > 0;
}

function open(address) {
  location.assign(address);
  return true;
}

let beforeKey = "";

function act(key) {
  const after = beforeKey;
  beforeKey = key === "g" ? "g" : "";
  if (after === "g" && key === "j") return open("/");
  if (after === "g" && key === "p") return open("/pools");
  if (key === "j") return move(1);
  if (key === "k") return move(-1);
  if (key === "x") return Boolean(document.activeElement?.closest?.("[data-job]")?.dispatchEvent(new CustomEvent("pick-row", { bubbles: true })));
  if (key === ".") return moveToAction();
  if (key === "n") return open("/jobs/new");
  if (key === "?") return document.getElementById("keys").showModal() === undefined;
  if (key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return open("/?focus=search");
    search.focus();
    search.select();
    return true;
  }
  return false;
}

export function startKeys() {
  if (!document.getElementById("keys")) return; // nobody is logged in
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && typing(document.activeElement) && !document.activeElement.closest(".terminal")) {
      document.activeElement.blur();
    } else if (!typing(event.target) && act(event.key)) event.preventDefault();
  });
  if (new URLSearchParams(location.search).get("focus") === "search") document.querySelector("[data-search]")?.focus();
}
