// The live channel: one WebSocket a page, which says what changed (docs/live.md). Modules say what they want to hear of:
//
//   watch(topic, heard)    topic: "jobs", "pools" or "job:<id>"; heard({jobs, pools}), or heard(null) when anything may
//                          have changed: after each (re)connection, and when too much changed at once
//   isUp()                 whether changes are being heard of right now
//
// It connects again by itself, and tells the document of "live-up" and "live-down".

const SILENCE_MS = 25_000; // the server says something every 10 s
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const REFUSED = new Set([4400, 4401, 4403, 4404]); // asking again changes nothing: reading the page does

const listeners = new Map(); // topic -> Set of functions
let socket = null;
let up = false;
let retry = FIRST_RETRY_MS;
let watchdog = 0;
let timer = 0;

const topics = () => [...listeners.keys()];

function state(now) {
  if (up === now) return;
  up = now;
  document.dispatchEvent(new CustomEvent(up ? "live-up" : "live-down"));
}

function tell(change) {
  for (const [topic, heard] of listeners) {
    const id = topic.startsWith("job:") ? topic.slice(4) : "";
    const concerned = !change || (id ? change.jobs.some((job) => job.jobId === id) : change[topic].length > 0);
    if (concerned) for (const one of heard) one(change);
  }
}

function heard(message) {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => socket?.close(), SILENCE_MS);
  if (message.operation === "watching") {
    retry = FIRST_RETRY_MS;
    state(true);
    tell(null);
  } else if (message.operation === "refresh") tell(null);
  else if (message.operation === "changed") tell(message);
  else if (message.operation === "heartbeat") document.dispatchEvent(new CustomEvent("live-beat"));
}

function connect() {
  clearTimeout(timer);
  if (socket || !listeners.size) return;
  const address = new URL(`/ws/live?topics=${topics().join(",")}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(address);
  socket = mine;
  mine.addEventListener("message", (event) => { if (socket === mine) heard(JSON.parse(event.data)); });
  mine.addEventListener("close", (event) => { if (socket === mine) closed(event.code); });
}

function closed(code) {
  socket = null;
  clearTimeout(watchdog);
  state(false);
  if (code === 4401 || code === 4404) tell(null);
  if (REFUSED.has(code)) return;
  timer = setTimeout(connect, retry * (0.75 + Math.random() / 2));
  retry = Math.min(retry * 2, LAST_RETRY_MS);
}

export const isUp = () => up;

export function watch(topic, callback) {
  if (!listeners.has(topic)) {
    listeners.set(topic, new Set());
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ operation: "watch", topics: topics() }));
    else queueMicrotask(reconnect);
  }
  listeners.get(topic).add(callback);
}

// A connection under way does not know of the newest topic.
function reconnect() {
  if (socket?.readyState === WebSocket.OPEN) return;
  const old = socket;
  socket = null;
  old?.close();
  connect();
}

addEventListener("online", () => { retry = FIRST_RETRY_MS; connect(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && !socket) connect(); });
// Firefox tells of a closed socket, and complains, when the page goes away.
addEventListener("pagehide", () => { const old = socket; socket = null; old?.close(); });
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
