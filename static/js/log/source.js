// A pod's log as the API has it: its end at once, any part of it by line numbers, and what is written from there on. The
// connection goes on from its cursor when it drops, so that no line is lost or repeated (docs/streams.md).

import { PAGE } from "./store.js";

const LAG_MOST = 16 << 20; // bytes; who is further behind goes to the end anew
const RETRY_MS = [500, 1000, 2000, 5000];
const FINAL_CODES = new Set([4400, 4401, 4403, 4404]);

export class Refused extends Error {} // what is asked for again is refused again

export class Source {
  // `hear` has begin(answer), more(text), gap(gap), state(name, text).
  // `end` is the query for what is shown at once, exactly as the page may have asked already.
  constructor(address, { end, timestamps }, hear) {
    Object.assign(this, { address, hear });
    this.more = timestamps ? "&timestamps=true" : "";
    this.end = end.replace("&timestamps=true", "");
    this.failures = 0;
    this.refusal = "";
    this.gone = new AbortController();
  }

  close() {
    this.gone.abort();
    this.socket?.close();
    clearTimeout(this.retry);
  }

  async open() {
    try {
      const answer = await this.get(this.end);
      this.failures = 0;
      this.cursor = answer.cursor;
      this.hear.begin(this.read(answer));
      if (answer.complete) this.hear.state("ended");
      else this.connect();
    } catch (error) {
      if (this.gone.signal.aborted) return;
      if (error instanceof Refused) this.hear.state("refused", error.message);
      else this.#again(() => this.open());
    }
  }

  // The lines from this one on, as many as a page has; an answer of the API.
  part(first, signal) {
    return this.get(`line=${first + PAGE / 2}&lines=${PAGE / 2}`, signal);
  }

  async get(query, signal = this.gone.signal) {
    const response = await fetch(`${this.address}?${query}${this.more}`, { signal, headers: { Accept: "application/json" } });
    const body = await response.json();
    if (response.ok) return body.data;
    const mayCome = response.status >= 500 || response.status === 429 || body.error?.code === "POD_NOT_FOUND";
    throw mayCome ? new Error(body.error?.code) : new Refused(body.error?.message ?? response.status);
  }

  // An answer as {text, firstLine, gaps}, and the text of a message.
  read({ logs, firstLine = 1, gaps = [] }) {
    return { text: logs, firstLine, gaps };
  }

  textOf(message) {
    return message.data;
  }

  get following() {
    return `follow=true&cursor=${this.cursor}&maxLagBytes=${LAG_MOST}`;
  }

  connect() {
    const socket = new WebSocket(`${this.address.replace(/^http/, "ws")}?${this.following}${this.more}`);
    this.socket = socket;
    this.refusal = "";
    const current = () => socket === this.socket && !this.gone.signal.aborted;
    socket.onopen = () => current() && this.hear.state("open");
    socket.onmessage = ({ data }) => current() && this.#take(JSON.parse(data), socket);
    socket.onclose = ({ code }) => current() && this.#closed(code);
  }

  #again(what) {
    this.hear.state("lost", this.refusal);
    this.retry = setTimeout(what, RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  #take(message, socket) {
    this.failures = 0;
    this.cursor = message.cursor ?? this.cursor;
    if (message.operation === "log") this.hear.more(this.textOf(message));
    else if (message.operation === "gap") this.#gap(message, socket);
    else if (message.operation === "end") this.ended = true;
    else if (message.operation === "error") this.refusal = message.message;
    if (message.cursor && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ operation: "ack", cursor: message.cursor }));
  }

  // Where only this reader has a gap, the numbers of the lines are lost with it: begin anew, at the end.
  #gap(gap, socket) {
    if (gap.reason !== "skipped" && gap.reason !== "lost") {
      this.hear.gap(gap);
      return;
    }
    this.socket = null;
    socket.close();
    this.hear.state("anew");
    this.open();
  }

  #closed(code) {
    if (this.ended && code === 1000) this.hear.state("ended");
    else if (FINAL_CODES.has(code)) this.hear.state("refused", this.refusal || String(code));
    else this.#again(() => this.connect());
  }
}
