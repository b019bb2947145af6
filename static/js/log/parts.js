// Fetches the parts of the log that the window shows and that are not at hand, and drops those it has left.
import { Refused } from "./source.js";

const AT_ONCE = 2;
const AGAIN_MS = 1000;

// The whole lines of an answer. What the answer's bound has cut is asked for again, unless nothing else came.
function linesOf({ logs, truncated }) {
  const lines = logs.split("\n");
  if (lines.at(-1) === "" || (truncated && lines.length > 1)) lines.pop();
  return lines;
}

export class Parts {
  // `arrived(first, last)`: these lines are in the store now. `failed(error)`: not to be had, and not asked for again.
  constructor(store, { arrived, failed }) {
    Object.assign(this, { store, arrived, failed });
    this.loading = new Map();
  }

  // From this log. Where it is null nothing is fetched, and nothing dropped.
  use(source) {
    for (const request of this.loading.values()) request.abort();
    this.loading.clear();
    this.source = source;
  }

  want(first, last) {
    if (!this.source) return;
    const missing = this.store.missing(first, last);
    for (const [line, request] of this.loading) {
      if (missing.includes(line)) continue;
      request.abort();
      this.loading.delete(line);
    }
    for (const line of missing) if (this.loading.size < AT_ONCE && !this.loading.has(line)) this.#load(line);
    this.store.trim(first, last);
  }

  async #load(line) {
    const request = new AbortController();
    this.loading.set(line, request);
    let arrived = 0;
    try {
      const answer = await this.source.part(line, request.signal);
      if (request.signal.aborted) return;
      arrived = this.#keep(answer, line);
    } catch (error) {
      if (request.signal.aborted) return;
      if (error instanceof Refused) {
        this.failed(error);
        return; // stays among those that are loading
      }
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
    this.loading.delete(line);
    this.arrived(line, line + arrived);
  }

  #keep(answer, line) {
    const lines = linesOf(answer);
    this.store.put(answer.firstLine ?? line, lines);
    for (const gap of answer.gaps ?? []) this.store.setMark(gap.line, gap.reason);
    return lines.length;
  }
}
