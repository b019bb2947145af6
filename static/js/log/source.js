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
    this.stamped = timestamps ? "&timestamps=true" : "";
    this.end = end.replace("&timestamps=true", "");
    this.failures = 0;
    this.gone = new AbortController();
  }

  close() {
    this.gone.abort();
    this.socket?.close();
    clearTimeout(this.retry);
  }

  async open() {
    try {
      const answer = await this.#get(this.end);
      this.failures = 0;
      this.cursor = answer.cursor;
      this.hear.begin(answer);
      if (answer.complete) this.hear.state("ended");
      else this.#connect();
    } catch (error) {
      if (this.gone.signal.aborted) return;
      if (error instanceof Refused) this.hear.state("refused", error.message);
      else this.#again(() => this.open(), error.message);
    }
  }

  // The lines from this one on, as many as a page has; an answer of the API.
  part(first, signal) {
    return this.#get(`line=${first + PAGE / 2}&lines=${PAGE / 2}`, signal);
  }

  async #get(query, signal = this.gone.signal) {
    const response = await fetch(`${this.address}?${query}${this.stamped}`, { signal, headers: { Accept: "application/json" } });
    const body = await response.json();
    if (response.ok) return body.data;
    const message = body.error?.message ?? String(response.status);
    throw response.status < 500 && response.status !== 429 && response.status !== 404 ? new Refused(message) : new Error(message);
  }

  #again(what, text) {
    this.hear.state("lost", text);
    this.retry = setTimeout(what, RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  #connect() {
    const query = `follow=true&cursor=${this.cursor}&maxLagBytes=${LAG_MOST}${this.stamped}`;
    const socket = new WebSocket(`${this.address.replace(/^http/, "ws")}?${query}`);
    this.socket = socket;
    this.refusal = "";
    socket.onopen = () => this.hear.state("open");
    socket.onmessage = ({ data }) => !this.gone.signal.aborted && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => this.gone.signal.aborted || socket !== this.socket || this.#closed(code);
  }

  #take(message) {
    this.failures = 0;
    if (message.operation === "log") {
      this.cursor = message.cursor;
      this.hear.more(message.data);
    } else if (message.operation === "gap") this.#gap(message);
    else if (message.operation === "end") this.ended = true;
    else if (message.operation === "error") this.refusal = message.message;
    if (message.cursor) this.socket.send(JSON.stringify({ operation: "ack", cursor: message.cursor }));
  }

  // Where only this reader has a gap, the numbers of the lines are lost with it: begin anew, at the end.
  #gap(gap) {
    this.cursor = gap.cursor;
    if (gap.reason !== "skipped" && gap.reason !== "lost") {
      this.hear.gap(gap);
      return;
    }
    const socket = this.socket;
    this.socket = null;
    socket.close();
    this.hear.state("anew");
    this.open();
  }

  #closed(code) {
    if (this.ended && code === 1000) this.hear.state("ended");
    else if (FINAL_CODES.has(code)) this.hear.state("refused", this.refusal || String(code));
    else this.#again(() => this.#connect(), this.refusal);
  }
}
