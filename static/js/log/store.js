// The lines of a log by their numbers, the first is 1, as far as they are at hand: in pages, of which those far from
// the window are dropped. The last page stays: it grows.
import { PLAIN, after } from "../ansi.js";

export const PAGE = 256; // lines
export const LINE_MAX = 8192; // characters of a line that are kept; the rest is in the download
const PAGES_MOST = 96;
const CHARACTERS_MOST = 24 << 20;

const numberOf = (line) => Math.floor((line - 1) / PAGE);
const placeOf = (line) => (line - 1) % PAGE;

class Page {
  constructor() {
    this.lines = new Array(PAGE);
    this.marks = new Map(); // the platform's own lines: their place and their reason
    this.size = 0;
    this.styles = [PLAIN]; // that each line begins with, as far as known
  }

  set(place, text) {
    this.size += text.length - (this.lines[place]?.length ?? 0);
    this.lines[place] = text;
    this.styles.length = Math.min(this.styles.length, place + 1);
  }

  styleAt(place, begin) {
    if (this.styles.length === 1) this.styles[0] = begin;
    for (let at = this.styles.length; at <= place; at += 1) this.styles.push(after(this.lines[at - 1] ?? "", this.styles[at - 1]));
    return this.styles[place];
  }
}

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.pages = new Map();
    this.count = 0; // the number of the last one
    this.open = false; // it has not ended yet
    this.size = 0; // in characters, of all that is at hand
  }

  text(line) {
    return this.pages.get(numberOf(line))?.lines[placeOf(line)];
  }

  mark(line) {
    return this.pages.get(numberOf(line))?.marks.get(placeOf(line)) ?? "";
  }

  // What colours the line begins with, as far as the lines before it are at hand.
  style(line) {
    const number = numberOf(line);
    const before = placeOf(line) ? null : this.pages.get(number - 1);
    const begin = before?.lines[PAGE - 1] === undefined ? PLAIN : after(before.lines[PAGE - 1], before.styleAt(PAGE - 1, PLAIN));
    return this.pages.get(number)?.styleAt(placeOf(line), begin) ?? PLAIN;
  }

  #set(line, text) {
    const number = numberOf(line);
    let page = this.pages.get(number);
    if (!page) this.pages.set(number, (page = new Page()));
    this.size -= page.size;
    page.set(placeOf(line), text.length > LINE_MAX ? text.slice(0, LINE_MAX + 1) : text);
    this.size += page.size;
  }

  setMark(line, reason) {
    this.pages.get(numberOf(line))?.marks.set(placeOf(line), reason);
  }

  // The log's end: from this line on, to the last one.
  begin(first, text) {
    this.count = first - 1;
    this.open = false;
    this.append(text);
  }

  // What was written next; from which line on that changed something.
  append(text) {
    const from = this.open ? this.count : this.count + 1;
    const parts = text.split("\n");
    const last = parts.length - 1;
    parts.forEach((part, at) => {
      if (at === last && !part) return;
      if (this.open) this.#set(this.count, this.text(this.count) + part);
      else this.#set((this.count += 1), part);
      this.open = at === last;
    });
    return from;
  }

  // Forgets all but the last lines, which are counted from 1 then.
  keepLast(lines) {
    const kept = [];
    for (let line = Math.max(1, this.count - lines + 1); line <= this.count; line += 1) kept.push([this.text(line), this.mark(line)]);
    const { open } = this;
    this.clear();
    this.begin(1, kept.map(([text]) => `${text}\n`).join(""));
    this.open = open;
    kept.forEach(([, mark], at) => mark && this.setMark(at + 1, mark));
  }

  // An older part of the log, of whole lines. The last line is left to append().
  put(first, lines) {
    lines.forEach((text, at) => {
      const line = first + at;
      if (line < this.count && this.text(line) === undefined) this.#set(line, text);
    });
  }

  // Of each page that lacks one of these lines: the first that it lacks.
  missing(first, last) {
    const found = [];
    for (let line = first; line <= last; line += 1) {
      if (this.text(line) !== undefined) continue;
      found.push(line);
      line = (numberOf(line) + 1) * PAGE;
    }
    return found;
  }

  // Drops pages, the farthest from these lines first, until what is kept is bounded.
  trim(first, last) {
    if (this.pages.size <= PAGES_MOST && this.size <= CHARACTERS_MOST) return;
    const [low, high, end] = [numberOf(first), numberOf(last), numberOf(this.count)];
    const distance = (number) => (number < low ? low - number : Math.max(0, number - high));
    const far = [...this.pages.keys()].filter((number) => number !== end && distance(number) > 1);
    far.sort((one, other) => distance(other) - distance(one));
    for (const number of far) {
      if (this.pages.size <= PAGES_MOST / 2 && this.size <= CHARACTERS_MOST / 2) return;
      this.size -= this.pages.get(number).size;
      this.pages.delete(number);
    }
  }
}
