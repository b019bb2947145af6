// The terminal page: a ticket, then one WebSocket (docs/terminal.md). Bytes go both ways as binary frames; what has been
// shown is acknowledged, so that a flood of output waits on the server and Ctrl-C still acts at once.
import { FitAddon } from "../vendor/@xterm/addon-fit/0.11.0/addon-fit.mjs";
import { Terminal } from "../vendor/@xterm/xterm/6.0.0/xterm.mjs";

const ACK_BYTES = 32 * 1024;
const FRAME_BYTES = 32 * 1024;
const FONT_KEY = "terminal-font";
const FONT_DEFAULT = 13;

const holder = document.querySelector("[data-terminal]");
const state = document.querySelector("[data-terminal-state]");
const again = document.querySelector("[data-reconnect]");
const texts = holder.dataset;

const terminal = new Terminal({
  cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
  fontSize: Number(localStorage.getItem(FONT_KEY)) || FONT_DEFAULT,
  scrollback: 10000,
  screenReaderMode: false,
  theme: { background: "#0c0e11", foreground: "#e8eaee", cursor: "#e8eaee", selectionBackground: "#3a4253" },
});
const fit = new FitAddon();
let socket = null;
let shown = 0; // bytes shown and not yet acknowledged
let finished = false;

function say(text, over = false) {
  state.textContent = text;
  again.hidden = !over;
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message));
}

function sendInput(text) {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) send(bytes.subarray(at, at + FRAME_BYTES));
}

function show(bytes) {
  terminal.write(bytes, () => {
    shown += bytes.length;
    if (shown < ACK_BYTES) return;
    send({ operation: "ack", bytes: shown });
    shown = 0;
  });
}

function hear(message) {
  if (message.operation === "ready") {
    send({ operation: "ack", bytes: 0 });
    resize();
    say(texts.connected);
    terminal.focus();
  } else if (message.operation === "warning" || message.operation === "error") say(message.message);
  else if (message.operation === "exit") {
    finished = true;
    say(message.reason === "exited" ? texts.exit.replace("%s", message.code ?? "–") : texts.closed.replace("%s", message.message), true);
  }
}

function resize() {
  fit.fit();
  send({ operation: "resize", cols: terminal.cols, rows: terminal.rows });
}

async function ticket() {
  const address = `${texts.url}?cols=${terminal.cols}&rows=${terminal.rows}`;
  const response = await fetch(address, { headers: { Accept: "application/json", "Accept-Language": document.documentElement.lang } });
  const body = await response.json();
  if (!body.success) throw new Error(body.message);
  return body.data.webTerminalUrl;
}

async function connect() {
  say(texts.connecting);
  finished = false;
  shown = 0;
  let url;
  try {
    url = await ticket();
  } catch (error) {
    say(texts.failed.replace("%s", error instanceof TypeError || error instanceof SyntaxError ? texts.offline : error.message), true);
    return;
  }
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => (typeof data === "string" ? hear(JSON.parse(data)) : show(new Uint8Array(data)));
  socket.onclose = () => {
    if (!finished) say(texts.lost, true);
  };
}

function changeFont(step) {
  terminal.options.fontSize = Math.min(Math.max(terminal.options.fontSize + step, 9), 28);
  localStorage.setItem(FONT_KEY, terminal.options.fontSize);
  resize();
}

terminal.loadAddon(fit);
terminal.open(holder);
fit.fit();
terminal.onData(sendInput);
terminal.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
terminal.attachCustomKeyEventHandler((event) => {
  if (event.key !== "Escape" || !event.ctrlKey || !event.shiftKey) return true;
  again.hidden ? document.getElementById("main").focus() : again.focus();
  return false;
});
new ResizeObserver(resize).observe(holder);
again.addEventListener("click", () => {
  terminal.reset();
  connect();
});
for (const button of document.querySelectorAll("[data-font]")) {
  button.addEventListener("click", () => changeFont(Number(button.dataset.font)));
}
connect();
