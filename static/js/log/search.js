// A search through the whole log, by the platform: the matches from the newest on, a bounded number of them at first,
// and how many there are in all. Capital letters count where the keyword has one.

const LISTED_AT_ONCE = 1000;
const LISTED_FIRST = 2000;
const AGAIN_MS = 1000;
const NOTHING = { matches: [], total: 0, totalIsExact: true, finished: true, cursor: "" }; // for what is no keyword

export class Search {
  // `changed()`: the count, or what is at hand. `jump(line)`: the reader is to be taken there.
  constructor({ changed, jump }) {
    Object.assign(this, { changed, jump });
    this.clear();
  }

  clear() {
    this.gone?.abort();
    this.gone = new AbortController();
    Object.assign(this, { keyword: "", lines: [], at: -1, total: 0, isExact: false, finished: false, cursor: "" });
  }

  // The match that is near the line, from there upwards, is the first to be shown.
  async start(address, keyword, near) {
    this.clear();
    Object.assign(this, { address, keyword, ignoresCase: !/[A-Z]/.test(keyword), near });
    this.changed();
    const { signal } = this.gone;
    while (keyword && !signal.aborted && !(this.isExact && (this.finished || this.lines.length >= LISTED_FIRST))) {
      await this.#call(this.lines.length >= LISTED_FIRST ? 0 : LISTED_AT_ONCE, signal);
    }
  }

  // Of the match that is shown, counted from the log's beginning; 0 where that is not known.
  get number() {
    return this.isExact && this.at >= 0 ? this.total - this.at : 0;
  }

  // Towards the log's end; from the last match on to the first one.
  newer() {
    if (this.at > 0) this.#go(this.at - 1);
    else if (this.finished && this.lines.length) this.#go(this.lines.length - 1);
  }

  async older() {
    if (this.at + 1 >= this.lines.length && !this.finished) await this.#call(LISTED_AT_ONCE, this.gone.signal);
    if (this.at + 1 < this.lines.length) this.#go(this.at + 1);
    else if (this.lines.length) this.#go(0);
  }

  #go(at) {
    this.at = at;
    this.jump(this.lines[at]);
    this.changed();
  }

  async #call(limit, signal) {
    const query = new URLSearchParams({ keyword: this.keyword, limit, ignoreCase: this.ignoresCase });
    if (this.cursor) query.set("cursor", this.cursor);
    try {
      const response = await fetch(`${this.address}/search?${query}`, { signal, headers: { Accept: "application/json" } });
      if (response.ok) this.#take((await response.json()).data, limit);
      else if (response.status < 500 && response.status !== 429) this.#take(NOTHING, limit);
      else throw new Error(String(response.status));
    } catch (error) {
      if (signal.aborted) return;
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }

  #take(data, limit) {
    this.lines.push(...data.matches.map(({ line }) => line));
    Object.assign(this, { total: data.total, isExact: data.totalIsExact, cursor: data.cursor });
    if (limit) this.finished = data.finished;
    if (this.at < 0) this.#first();
    this.changed();
  }

  #first() {
    const found = this.lines.findIndex((line) => line <= this.near);
    if (found >= 0) this.#go(found);
    else if (this.finished && this.lines.length) this.#go(this.lines.length - 1);
  }
}
