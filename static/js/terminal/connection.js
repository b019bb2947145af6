// One terminal's connection: a ticket, then one WebSocket, and the way back to the session when that drops
// (docs/terminal.md). Knows the protocol and no element of the page: what happens is told to `view`.

const RETRY_MS = [500, 1000, 2000, 5000, 10000, 15000];
const PING_MS = 25000;
const SILENCE_MS = 8000; // a connection that says nothing for so long after a ping is dead
const ACK_BYTES = 32 * 1024;
const FRAME_BYTES = 32 * 1024;
const DROPPED = 4000; // any code but 1000, which would end the session
// The session goes on, but not here unless somebody asks for it.
const STAY_AWAY = new Set(["taken_over", "not_watchable", "not_allowed", "wrong_origin", "protocol"]);
const TRY_AGAIN = new Set([500, 502, 503, 504]);

class Refusal extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

export class Connection {
  constructor(address, view) {
    this.address = address;
    this.view = view;
    this.socket = null;
    this.attempt = 0; // an answer to an earlier one is nobody's
    this.failures = 0;
    this.start({});
    addEventListener("online", () => this.look());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  // From the beginning: a new session, or the one that is named.
  start({ session = "", watch = false }) {
    this.session = session;
    this.watch = watch;
    this.base = null; // where in the session's output this connection began
    this.received = 0;
    this.failures = 0;
  }

  async connect() {
    this.leave();
    this.view.connecting(this.failures);
    const attempt = this.attempt;
    let url;
    try {
      url = await this.ticket();
    } catch (error) {
      if (attempt !== this.attempt) return;
      if (error instanceof Refusal) this.view.ended({ reason: error.code, message: error.message, sessionOpen: false });
      else this.retry();
      return;
    }
    if (attempt === this.attempt) this.open(url);
  }

  async ticket() {
    const address = new URL(this.address, location.href);
    const { cols, rows } = this.view.size();
    if (!this.watch) for (const [name, value] of Object.entries({ cols, rows })) address.searchParams.set(name, value);
    if (this.session) address.searchParams.set("sessionId", this.session);
    if (this.watch) address.searchParams.set("watch", "true");
    const response = await fetch(address, { headers: { Accept: "application/json", "Accept-Language": document.documentElement.lang } });
    const body = await response.json();
    if (body.success) return body.data.webTerminalUrl;
    if (this.session && TRY_AGAIN.has(response.status)) throw new Error(body.message);
    throw new Refusal(body);
  }

  open(url) {
    const address = new URL(url);
    this.asked = this.base === null ? null : this.base + this.received;
    if (this.asked !== null) address.searchParams.set("since", this.asked);
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      clearTimeout(this.deadline);
      if (typeof data === "string") this.hear(JSON.parse(data));
      else this.show(new Uint8Array(data));
    };
    socket.onclose = () => this.lost();
    this.socket = socket;
    this.ready = false;
    this.unsaid = 0; // bytes shown and not yet acknowledged
  }

  hear(message) {
    if (message.operation === "ready") this.begin(message);
    else if (message.operation === "exit") this.exit(message);
    else if (message.operation !== "pong") this.view.told(message);
  }

  begin(message) {
    this.failures = 0;
    this.ready = true;
    this.session = message.sessionId;
    this.base = message.position - message.scrollbackBytes;
    this.received = 0;
    this.say({ operation: "ack", bytes: 0 });
    this.pinging = setInterval(() => this.probe(), PING_MS);
    this.view.opened(message, this.asked === this.base);
  }

  exit(message) {
    this.leave();
    const again = message.sessionOpen ? !STAY_AWAY.has(message.reason) : message.reason === "ticket_invalid" && !this.failures;
    if (again) this.retry();
    else this.view.ended(message);
  }

  show(bytes) {
    this.received += bytes.length;
    const { socket } = this;
    this.view.show(bytes, () => {
      if (socket !== this.socket) return;
      this.unsaid += bytes.length;
      if (this.unsaid < ACK_BYTES) return;
      this.say({ operation: "ack", bytes: this.unsaid });
      this.unsaid = 0;
    });
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // What is typed while there is no connection is nobody's: it is not kept to run by surprise.
  type(bytes) {
    if (!this.ready || this.socket?.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) this.socket.send(bytes.subarray(at, at + FRAME_BYTES));
  }

  resize(cols, rows) {
    if (this.ready && !this.watch) this.say({ operation: "resize", cols, rows });
  }

  // The computer woke up, or the network is back: a dead connection is to be found out now.
  look() {
    if (this.socket) this.probe();
    else if (this.waiting) this.connect();
  }

  probe() {
    this.say({ operation: "ping" });
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.lost(), SILENCE_MS);
  }

  lost() {
    this.leave();
    this.retry();
  }

  retry() {
    const pause = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    this.failures += 1;
    const due = Date.now() + pause;
    const count = () => {
      const left = due - Date.now();
      if (left <= 0) return this.connect();
      this.view.waiting(Math.ceil(left / 1000));
      this.waiting = setTimeout(count, Math.min(left, 1000));
    };
    count();
  }

  // Without a word: the session stays open.
  leave() {
    this.attempt += 1;
    this.ready = false;
    for (const timer of [this.pinging, this.deadline, this.waiting]) clearTimeout(timer);
    this.waiting = null;
    const { socket } = this;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close(DROPPED);
  }
}
