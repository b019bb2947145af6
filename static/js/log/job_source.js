// The logs of all replicas of a job's attempt as one, `[replica] ` in front of each line, in the order of their times
// (docs/streams.md). It has no numbers of lines and no parts: what is at hand is its end, and what came since.
import { Source } from "./source.js";

export class JobSource extends Source {
  part = null;

  constructor(address, { end, timestamps, attempt, keyword }, hear) {
    super(address, { end, timestamps }, hear);
    this.timestamps = timestamps;
    this.end = "tailLines=2000";
    this.more = `&attempt=${attempt}${keyword ? `&keyword=${encodeURIComponent(keyword)}` : ""}`;
  }

  read({ lines }) {
    return { text: this.textOf({ lines }), firstLine: 1, gaps: [] };
  }

  textOf({ lines }) {
    return lines.map(({ replica, time, text }) => `${this.timestamps ? `${time} ` : ""}[${replica}] ${text}\n`).join("");
  }

  get following() {
    return `follow=true&cursor=${encodeURIComponent(this.cursor)}`;
  }

  // While nobody takes what comes: the platform keeps it, and it is gone on from there.
  hold() {
    this.socket?.close();
    this.socket = null;
    this.held = true;
  }

  goOn() {
    if (this.held) this.connect();
    this.held = false;
  }
}
