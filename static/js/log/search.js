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
    Object.assign(this, { steps: [], calling: null });
  }

  // The match that is near the line, from there upwards, is the first to be shown.
  async start(address, keyword, near) {
    this.clear();
    Object.assign(this, { address, keyword, ignoresCase: !/[A-Z]/.test(keyword), near });
    this.changed();
    await this.#read();
  }

  // Of the match that is shown, counted from the log's beginning; 0 where that is not known.
  get number() {
    return this.isExact && this.at >= 0 ? this.total - this.at : 0;
  }

  // Towards the log's end; from the last match on to the first one.
  newer() {
    this.#step(-1);
  }

  older() {
    this.#step(1);
  }

  // However quickly steps are asked for, each of them counts: those whose match is not at hand yet wait for it.
  #step(by) {
    if (!this.keyword) return;
    this.steps.push(by);
    this.#settle();
    this.#read();
  }

  #settle() {
    while (this.steps.length && this.#made(this.steps[0])) this.steps.shift();
  }

  // Whether the step is done with; one to a match that will not be at hand leads nowhere.
  #made(by) {
    if (this.at < 0 && !this.#isListed) return this.finished;
    const at = this.at + by;
    if (this.lines[at] !== undefined) this.#go(at);
    else if (this.finished && this.lines.length) this.#go(by < 0 ? this.lines.length - 1 : 0);
    else return this.finished || (by < 0 && this.#isListed);
    return true;
  }

  // Whether as many matches are at hand as are without being asked for.
  get #isListed() {
    return this.lines.length >= LISTED_FIRST;
  }

  get #isEnough() {
    return this.isExact && (this.finished || (this.#isListed && !this.steps.length));
  }

  // One call after the other, as each goes on where the one before it ended.
  async #read() {
    const { signal } = this.gone;
    if (!this.keyword || this.calling) return;
    this.calling = signal;
    while (!signal.aborted && !this.#isEnough) {
      await this.#call(this.#isListed && !this.steps.length ? 0 : LISTED_AT_ONCE, signal);
    }
    if (this.calling === signal) this.calling = null;
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
      const body = response.ok && (await response.json());
      if (signal.aborted) return;
      if (body) this.#take(body.data, limit);
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
    this.#settle();
    this.changed();
  }

  #first() {
    const found = this.lines.findIndex((line) => line <= this.near);
    if (found >= 0) this.#go(found);
    else if (this.finished && this.lines.length) this.#go(this.lines.length - 1);
  }
}
