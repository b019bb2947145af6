// A pod's log, live: opens at its end and follows; scrolling up pauses. The connection goes on from its cursor when it
// drops, so that no line is lost or repeated (docs/streams.md). The page keeps a bounded number of lines.
import { PLAIN, render } from "./ansi.js";

const LINES = 10000;
const SLACK = 500; // removed together, so that a flood does not trim at every frame
const PARTIAL_MAX = 65536; // of a line without an end
const RETRY_MS = [500, 1000, 2000, 5000];
const FINAL_CODES = new Set([4400, 4401, 4403, 4404]);

class LogView {
  constructor(root) {
    this.texts = root.dataset;
    this.lines = root.querySelector(".log-lines");
    this.note = root.querySelector("[data-note]");
    this.button = root.querySelector("[data-follow]");
    this.lines.addEventListener("scroll", () => this.setFollowing(this.isAtEnd()), { passive: true });
    this.button.addEventListener("click", () => this.setFollowing(true));
    document.addEventListener("visibilitychange", () => this.draw());
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.lines);
    this.reset("");
  }

  reset(pod) {
    this.pod = pod;
    this.cursor = null;
    this.pending = ""; // received, not yet drawn
    this.partial = ""; // the line being written
    this.style = PLAIN;
    this.current = null;
    this.trimmed = false;
    this.failures = 0;
    this.refusal = "";
    this.ended = false;
    this.lines.replaceChildren();
    this.setFollowing(true);
  }

  open(pod) {
    if (pod === this.pod) return;
    this.socket?.close();
    clearTimeout(this.retry);
    this.reset(pod);
    this.say("");
    this.connect();
  }

  connect() {
    const from = this.cursor === null ? `tailLines=${LINES}` : `cursor=${this.cursor}`;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.texts.base}${encodeURIComponent(this.pod)}/logs?follow=true&${from}`);
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      this.showState();
    };
    socket.onmessage = ({ data }) => socket === this.socket && this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.socket && this.closed(code);
  }

  hear(message) {
    if (message.operation === "log") {
      this.cursor = message.cursor;
      this.take(message.data);
    } else if (message.operation === "gap") {
      this.cursor = message.cursor;
      const open = this.pending || this.partial;
      this.take(`${open && !open.endsWith("\n") ? "\n" : ""}[platform] ${message.message}\n`);
    } else if (message.operation === "end") {
      this.ended = true;
      this.draw();
      this.say(this.lines.childElementCount ? this.texts.ended : this.texts.emptyEnd);
    } else if (message.operation === "error") this.refusal = message.message;
  }

  closed(code) {
    if (this.ended && code === 1000) return;
    if (FINAL_CODES.has(code)) {
      this.say(this.texts.refused.replace("%s", this.refusal || code));
      return;
    }
    this.say(this.texts.lost);
    this.retry = setTimeout(() => this.connect(), RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  take(text) {
    this.pending += text;
    if (document.hidden) this.draw(); // no frames then, and timers only once a minute
    else if (!this.drawing) requestAnimationFrame(() => this.draw());
    this.drawing = true;
  }

  draw() {
    this.drawing = false;
    if (!this.pending) return;
    const parts = (this.partial + this.pending).split("\n");
    this.pending = "";
    this.partial = parts.pop();
    if (parts.length > LINES) {
      parts.splice(0, parts.length - LINES);
      this.dropAll();
    }
    const fresh = document.createDocumentFragment();
    for (const line of parts) {
      const element = this.current || fresh.appendChild(document.createElement("div"));
      this.current = null;
      this.style = render(element, line, this.style);
    }
    this.lines.append(fresh);
    this.drawPartial();
    this.trim();
    this.showState();
    if (this.following) this.toEnd();
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ operation: "ack", cursor: this.cursor }));
  }

  drawPartial() {
    if (!this.partial) return;
    if (!this.current) this.current = this.lines.appendChild(document.createElement("div"));
    const style = render(this.current, this.partial, this.style);
    if (this.partial.length < PARTIAL_MAX) return;
    this.style = style;
    this.partial = "";
    this.current = null;
  }

  dropAll() {
    this.lines.replaceChildren();
    this.current = null;
    this.trimmed = true;
  }

  // While somebody reads further up, lines leave from under them only when there are twice as many.
  trim() {
    const most = this.following ? LINES + SLACK : 2 * LINES;
    if (this.lines.childElementCount <= most) return;
    this.trimmed = true;
    while (this.lines.childElementCount > LINES) this.lines.firstElementChild.remove();
  }

  showState() {
    if (this.trimmed) this.say(this.texts.trimmed.replace("%s", LINES.toLocaleString(document.documentElement.lang)));
    else this.say(this.lines.childElementCount ? "" : this.texts.nothing);
  }

  say(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  isAtEnd() {
    return this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 8;
  }

  toEnd() {
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  setFollowing(following) {
    this.following = following;
    this.button.hidden = following;
    if (following) this.toEnd();
  }
}

const root = document.querySelector("[data-log]");
const head = document.getElementById("log-head");
const view = new LogView(root);
// The pod of the page may come only when the job starts, or change with a new attempt.
const openShown = () => head.dataset.pod && view.open(head.dataset.pod);
new MutationObserver(openShown).observe(head, { attributes: true, attributeFilter: ["data-pod"] });
if (head.dataset.pod) openShown();
else view.say(view.texts.waiting);
