// A pod's log: opens at its end and follows; scrolling up pauses. All of it can be scrolled, of which only what is near
// the window is at hand.
import { Highlights } from "./highlight.js";
import { JobSource } from "./job_source.js";
import { Parts } from "./parts.js";
import { draw } from "./row.js";
import { Scroller } from "./scroller.js";
import { Source } from "./source.js";
import { Store } from "./store.js";

const ALL = "*"; // instead of a pod's name: all replicas
const KEPT = 20_000; // lines of a log that has no parts to come back to
const CHARACTERS = 16 << 20;
const CLOCK = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false };

export class LogView {
  constructor(root) {
    this.texts = root.dataset;
    this.box = root.querySelector(".log-lines");
    this.note = root.querySelector("[data-note]");
    this.button = root.querySelector("[data-follow]");
    this.store = new Store();
    this.highlights = new Highlights();
    this.parts = new Parts(this.store, {
      arrived: (first, last) => this.scroller.redraw(first, last),
      failed: (error) => this.state("refused", error.message),
    });
    this.scroller = new Scroller(this.box, {
      draw: (row, line) => this.draw(row, line),
      shown: (first, last) => this.parts.want(first, last),
      followed: (following) => this.followed(following),
    });
    const clock = new Intl.DateTimeFormat("sv-SE", { ...CLOCK, timeZone: document.documentElement.dataset.timeZone || undefined });
    const zone = (moment) => clock.format(moment).slice("2026-".length).replace(",", ".");
    this.look = { zone, cut: this.texts.cut };
    this.chosen = [0, 0]; // from which line to which one
    this.keyword = "";
    this.timed = false;
    this.button.addEventListener("click", () => this.scroller.follow(true));
  }

  open(pod) {
    if (pod === this.pod) return;
    this.pod = pod;
    this.box.classList.toggle("is-merged", this.isAll);
    this.scroller.follow(true);
    this.load();
  }

  get isAll() {
    return this.pod === ALL;
  }

  get address() {
    if (this.isAll) return `${location.origin}${this.texts.all}`;
    return `${location.origin}${this.texts.base}${encodeURIComponent(this.pod)}/logs`;
  }

  // All of it anew, at the same place.
  load() {
    this.source?.close();
    this.#forget();
    this.say("");
    const Kind = this.isAll ? JobSource : Source;
    const { end, attempt } = this.texts;
    const source = new Kind(this.address, { end, attempt, timestamps: this.timed, keyword: this.keyword }, {
      begin: (answer) => this.begin(answer),
      more: (text) => this.more(text),
      gap: (gap) => this.gap(gap),
      state: (name, text) => this.state(name, text),
    });
    this.source = source;
    source.open();
  }

  #forget() {
    this.parts.use(null);
    this.store.clear();
  }

  begin({ firstLine, text, gaps }) {
    this.store.begin(firstLine, text);
    for (const gap of gaps) this.store.setMark(gap.line, gap.reason);
    this.parts.use(this.source.part ? this.source : null);
    if (this.scroller.count > this.store.count) this.scroller.clear();
    this.scroller.redraw(1, this.store.count);
    this.scroller.setCount(this.store.count);
    this.state("open");
    if (this.wanted) this.goTo(...this.wanted);
    this.wanted = null;
  }

  more(text) {
    const before = this.store.count;
    const from = this.store.append(text);
    if (!before) this.say("");
    this.scroller.redraw(from, before);
    if (this.isAll) this.#bound();
    this.scroller.setCount(this.store.count);
  }

  // Who follows keeps the last lines; for who reads further up, the rest waits.
  #bound() {
    const { store, scroller } = this;
    if (store.count < 2 * KEPT && store.size < CHARACTERS) return;
    if (!scroller.following) {
      this.source.hold();
      this.say(this.texts.held);
      return;
    }
    store.keepLast(store.size < CHARACTERS ? KEPT : KEPT / 10);
    scroller.clear();
    this.say(this.texts.trimmed);
  }

  followed(following) {
    this.button.hidden = following;
    if (following) this.source?.goOn?.();
  }

  // A line of the platform's own; the log has it too.
  gap({ message, reason, time, replica }) {
    const whose = replica === undefined ? "" : `[${replica}] `;
    this.more(`${this.store.open ? "\n" : ""}${this.timed && time ? `${time} ` : ""}${whose}[platform] ${message}\n`);
    this.store.setMark(this.store.count, reason);
    this.scroller.redraw(this.store.count, this.store.count);
  }

  state(name, text = "") {
    if (name === "anew") this.#forget();
    else if (name === "open") this.say(this.store.count ? "" : this.texts.nothing);
    else if (name === "ended") this.say(this.store.count ? this.texts.ended : this.texts.emptyEnd);
    else if (name === "refused") this.say(this.texts.refused.replace("%s", text));
    else if (name === "lost") this.say([this.texts.lost, text].filter(Boolean).join(" "));
  }

  say(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  draw(row, number) {
    const { store } = this;
    const line = {
      number,
      text: store.text(number),
      mark: store.mark(number),
      style: store.style(number),
      isChosen: number >= this.chosen[0] && number <= this.chosen[1],
    };
    draw(row, line, this.look);
    this.highlights.mark(row, row.lastElementChild, this.keyword, this.ignoresCase);
  }

  redraw() {
    this.scroller.redraw(1, this.store.count);
  }

  // Shows the lines and marks them, now or when the log is there.
  goTo(first, last = first) {
    this.chosen = [first, last];
    if (!this.store.count) this.wanted = [first, last];
    else {
      this.scroller.goTo(first);
      this.redraw();
    }
  }

  choose(first, last) {
    this.chosen = [first, last];
    this.scroller.follow(false);
    this.redraw();
  }

  mark(keyword, ignoresCase) {
    Object.assign(this, { keyword, ignoresCase });
    if (this.isAll) this.load();
    else this.redraw();
  }

  setTimed(timed) {
    this.timed = timed;
    this.box.classList.toggle("is-timed", timed);
    if (this.pod) this.load();
  }
}
