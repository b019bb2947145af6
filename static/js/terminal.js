// The terminal page: xterm.js on a connection that finds its way back (terminal/connection.js), and the pod's open
// terminals beside it (terminal/sessions.js).
import { FitAddon } from "../vendor/@xterm/addon-fit/0.11.0/addon-fit.mjs";
import { WebLinksAddon } from "../vendor/@xterm/addon-web-links/0.12.0/addon-web-links.mjs";
import { Terminal } from "../vendor/@xterm/xterm/6.0.0/xterm.mjs";
import { Clipboard } from "./terminal/clipboard.js";
import { Connection } from "./terminal/connection.js";
import { Search } from "./terminal/search.js";
import { Sessions } from "./terminal/sessions.js";

const FONT_KEY = "terminal-font";
const FONT_DEFAULT = 13;
const CLEAR = "\x1bc"; // in its place among what is still to be drawn, which terminal.reset() is not

const find = (name) => document.querySelector(`[data-${name}]`);
const holder = find("terminal");
const texts = holder.dataset;
const state = find("terminal-state");
const countdown = find("terminal-countdown");
const notice = find("terminal-notice");
const again = find("reconnect");
const audience = find("terminal-audience");
const allow = find("allow-watching");
const link = find("watch-link");
const KEEP = `terminal:${texts.pod}`; // a reloaded page comes back to its own session

const terminal = new Terminal({
  allowProposedApi: true, // of which the marks of a search are
  cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
  fontSize: Number(localStorage.getItem(FONT_KEY)) || FONT_DEFAULT,
  scrollback: 10000,
  screenReaderMode: false,
  theme: { background: "#0c0e11", foreground: "#e8eaee", cursor: "#e8eaee", selectionBackground: "#3a4253" },
});
const fit = new FitAddon();
// Of the scrollback, not yet drawn: what it asks of the terminal was answered long ago, and must not be typed again.
let replaying = 0;

function say(text) {
  if (state.textContent !== text) state.textContent = text;
  countdown.textContent = "";
}

function warn(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

// What the button does next; none: there is nothing to be done.
function offer(label, act) {
  again.hidden = !act;
  again.textContent = label;
  again.onclick = act || null;
}

function setAway(away) {
  holder.classList.toggle("is-away", away);
  terminal.options.disableStdin = away || connection.watch;
}

const connection = new Connection(texts.url, {
  size: () => ({ cols: terminal.cols, rows: terminal.rows }),

  connecting(failures) {
    setAway(true);
    say(failures ? texts.lost : texts.connecting);
  },

  waiting(seconds) {
    setAway(true);
    say(texts.lost);
    countdown.textContent = texts.countdown.replace("%s", seconds);
    offer(texts.now, () => connection.connect());
  },

  opened(ready, kept) {
    if (!kept) terminal.write(CLEAR);
    replaying = kept || !ready.resumed ? 0 : ready.scrollbackBytes;
    setAway(false);
    warn("");
    offer("", null);
    showMode(ready);
    resize();
    terminal.focus();
  },

  show(bytes, done) {
    terminal.write(bytes, () => {
      replaying -= Math.min(replaying, bytes.length);
      done();
    });
  },

  told(message) {
    if (message.operation === "warning") {
      warn(message.message);
      notice.dataset.reason = message.reason;
    } else if (message.operation === "error") warn(message.message);
    else if (message.operation === "audience") showAudience(message);
    else if (message.operation === "size") terminal.resize(message.cols, message.rows);
    else if (message.operation === "skipped") terminal.write(CLEAR);
  },

  ended({ reason, code, message, sessionOpen }) {
    setAway(true);
    warn(reason === "exited" ? "" : message);
    allow.hidden = link.hidden = true;
    audience.textContent = "";
    const { session, watch } = connection;
    if (!watch && sessionStorage.getItem(KEEP) === session) sessionStorage.removeItem(KEEP);
    if (reason === "exited") say(texts.exit.replace("%s", code ?? "–"));
    else say(sessionOpen ? texts.away : texts.closed);
    if (sessionOpen && reason === "taken_over") offer(texts.takeBack, () => open({ session }));
    else offer(texts.again, texts.mayControl ? () => open({}) : null);
    if (reason === "too_many") sessions.show("", { focus: false });
    if (document.activeElement === terminal.textarea && !again.hidden) again.focus();
  },
});

const sessions = new Sessions(find("sessions"), { address: texts.sessions, pod: texts.pod, choose: open });

function open(wanted) {
  sessions.hide();
  warn("");
  terminal.write(CLEAR);
  connection.start(wanted);
  connection.connect();
}

function showMode(ready) {
  find("terminal-recorded").hidden = ready.recording === "off";
  if (ready.mode === "watch") {
    say(texts.watching.replace("%s", ready.owner));
    allow.hidden = link.hidden = true;
    audience.textContent = "";
    terminal.resize(ready.cols, ready.rows);
    return;
  }
  say(ready.resumed ? texts.resumed : texts.connected);
  sessionStorage.setItem(KEEP, ready.sessionId);
  allow.hidden = false;
  showAudience(ready);
}

function showAudience({ watchable, watchers }) {
  allow.setAttribute("aria-pressed", watchable);
  allow.classList.toggle("is-on", watchable);
  link.hidden = !watchable;
  const address = new URL(location.pathname, location.href);
  address.search = new URLSearchParams({ session: connection.session, watch: "1" });
  link.dataset.copyText = address.href;
  audience.textContent = watchers.length ? texts.watchedBy.replace("%s", [...new Set(watchers)].join(", ")) : "";
}

function resize() {
  if (connection.watch) return;
  fit.fit();
  connection.resize(terminal.cols, terminal.rows);
}

function changeFont(step) {
  terminal.options.fontSize = Math.min(Math.max(terminal.options.fontSize + step, 9), 28);
  localStorage.setItem(FONT_KEY, terminal.options.fontSize);
  resize();
}

function type(bytes) {
  if (notice.dataset.reason === "idle") warn("");
  if (!replaying) connection.type(bytes);
}

terminal.loadAddon(fit);
terminal.loadAddon(new WebLinksAddon());
terminal.open(holder);
fit.fit();
terminal.onData((text) => type(new TextEncoder().encode(text)));
terminal.onBinary((text) => type(Uint8Array.from(text, (char) => char.charCodeAt(0))));
const search = new Search(find("search"), terminal);
const clipboard = new Clipboard(terminal, find("copy-selection"), find("paste"));
find("search-open").addEventListener("click", () => search.show());
terminal.attachCustomKeyEventHandler((event) => {
  if (clipboard.press(event)) return false;
  if (event.type === "keydown" && event.ctrlKey && event.shiftKey && event.code === "KeyF") {
    event.preventDefault();
    search.show();
    return false;
  }
  if (event.key !== "Escape" || !event.ctrlKey || !event.shiftKey) return true;
  (again.hidden ? find("terminal-tools").querySelector("button:not([hidden])") : again).focus();
  return false;
});
new ResizeObserver(resize).observe(holder);
for (const button of document.querySelectorAll("[data-font]")) {
  button.addEventListener("click", () => changeFont(Number(button.dataset.font)));
}
allow.addEventListener("click", async () => {
  try {
    const { watchable } = await sessions.allowWatching(connection.session, allow.getAttribute("aria-pressed") !== "true");
    showAudience({ watchable, watchers: [] }); // who watches is told by the session itself
  } catch (error) {
    warn(error.message);
  }
});
const toggle = find("sessions-toggle");
const setListed = (listed) => toggle.setAttribute("aria-expanded", listed);
toggle.addEventListener("click", () => (sessions.panel.hidden ? sessions.show(connection.session) : sessions.hide()));
new MutationObserver(() => setListed(!sessions.panel.hidden)).observe(sessions.panel, { attributes: true, attributeFilter: ["hidden"] });
find("sessions-new")?.addEventListener("click", () => open({}));
find("sessions-close").addEventListener("click", () => {
  sessions.hide();
  terminal.focus();
});

// The session of the address; else the one this page had; else, when one of the reader's own waits, they choose.
async function begin() {
  const query = new URLSearchParams(location.search);
  if (query.get("session")) return open({ session: query.get("session"), watch: query.has("watch") });
  const kept = sessionStorage.getItem(KEEP);
  const waiting = (await sessions.find()).filter((session) => session.mine && session.mayAttach);
  if (waiting.some((session) => session.sessionId === kept)) return open({ session: kept });
  sessionStorage.removeItem(KEEP);
  if (!waiting.some((session) => !session.attached)) return open({});
  say(texts.choose);
  return sessions.show("");
}

begin();
