// The terminal at the foot of a job's page: the terminal's own page in a frame, loaded when it is asked for. Which pod's it
// is stands in the address; how high it is, in the browser.
const HEIGHT_KEY = "terminal-dock-height";
const LEAST = 160;
const STEP = 32;

const dock = document.querySelector("[data-dock]");
const grip = dock.querySelector("[data-dock-grip]");
const frame = dock.querySelector("iframe");
const page = dock.querySelector("[data-dock-page]");
const linkOf = (pod) => document.querySelector(`a[data-dock-pod="${CSS.escape(pod)}"]`);
let opener = null;

function setAddress(pod) {
  const address = new URL(location.href);
  if (pod) address.searchParams.set("terminal", pod);
  else address.searchParams.delete("terminal");
  history.replaceState(history.state, "", address);
}

function setHeight(height) {
  const most = Math.max(LEAST, Math.round(innerHeight * 0.85));
  const next = Math.min(Math.max(Math.round(height), LEAST), most);
  document.documentElement.style.setProperty("--dock", `${next}px`);
  grip.setAttribute("aria-valuemin", LEAST);
  grip.setAttribute("aria-valuemax", most);
  grip.setAttribute("aria-valuenow", next);
  localStorage.setItem(HEIGHT_KEY, next);
}

const height = () => Number(grip.getAttribute("aria-valuenow"));

function open(link) {
  opener = link;
  page.href = link.href;
  dock.querySelector("[data-dock-name]").textContent = link.dataset.dockPod;
  frame.src = `${link.href}?docked=1`;
  dock.hidden = false;
  document.body.classList.add("has-dock");
  setAddress(link.dataset.dockPod);
  frame.addEventListener("load", () => frame.focus(), { once: true });
}

// The shell goes on for a while: opening the dock again comes back to it.
function close() {
  frame.removeAttribute("src");
  dock.hidden = true;
  document.body.classList.remove("has-dock");
  setAddress("");
  (opener?.isConnected ? opener : document.getElementById("main")).focus();
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element && event.target.closest("a[data-dock-pod]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  open(link);
});
dock.querySelector("[data-dock-close]").addEventListener("click", close);
grip.addEventListener("keydown", (event) => {
  const by = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
  if (!by) return;
  event.preventDefault();
  setHeight(height() + by);
});
grip.addEventListener("pointerdown", (event) => {
  grip.setPointerCapture(event.pointerId); // over the frame too, which would take the moves
  dock.classList.add("is-dragged");
});
grip.addEventListener("pointermove", (event) => {
  if (grip.hasPointerCapture(event.pointerId)) setHeight(innerHeight - event.clientY);
});
grip.addEventListener("lostpointercapture", () => dock.classList.remove("is-dragged"));

setHeight(Number(localStorage.getItem(HEIGHT_KEY)) || innerHeight * 0.4);
const asked = new URLSearchParams(location.search).get("terminal");
if (asked && linkOf(asked)) open(linkOf(asked));
else if (asked) setAddress("");
