// A window on lines 1 to `count`, of which only the rows around the window exist. A row is ROW pixels high, or higher
// where lines wrap. A browser's element has an end to its height: a longer log is drawn on a shorter element, on which a
// small move is one of pixels, and a great one is one of parts of the whole. Rows that are there are never moved under
// the reader's eyes: where the element and the rows have come apart, both are moved together.

const ROW = 18;
const TALLEST = 8_000_000;
const AROUND = 24; // rows that exist above and below the window
const AROUND_JUMP = 4; // until the reader rests, after a move past them all
const NEAR = 4; // windows: so far a move is one of pixels
const REST_MS = 150;

export class Scroller {
  // `draw(element, line)` fills a row; `shown(first, last)` is told which rows exist; `followed(yes)` whether the end is.
  constructor(box, { draw, shown, followed }) {
    Object.assign(this, { box, draw, shown, followed });
    this.space = box.querySelector(".log-space");
    this.layer = box.querySelector(".log-layer");
    this.rows = new Map();
    this.spare = [];
    this.wrapped = false;
    this.following = true;
    this.clear();
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#update()).observe(box);
  }

  clear() {
    this.count = 0;
    [this.first, this.last, this.set, this.before, this.seen] = [1, 0, 0, 0, 0];
    this.rows.clear();
    this.layer.replaceChildren();
    this.#setSpace(0);
    this.#place(0);
  }

  setCount(count) {
    if (String(count).length !== String(this.count).length) this.layer.style.setProperty("--log-digits", String(count).length);
    this.count = count;
    this.request();
  }

  setWrapped(wrapped) {
    const line = this.topLine();
    this.wrapped = wrapped;
    this.box.classList.toggle("is-wrapped", wrapped);
    if (!this.following) this.goTo(line, 0);
    this.request();
  }

  // The first line that is seen whole, or nearly.
  topLine() {
    return Math.min(this.#anchor(this.box.scrollTop + ROW / 2, this.box.clientHeight).line, Math.max(1, this.count));
  }

  bottomLine() {
    const view = this.box.clientHeight;
    return Math.min(this.#anchor(this.box.scrollTop + view - ROW / 2, view).line, this.count);
  }

  // Draws these rows anew, if they are there.
  redraw(first, last) {
    for (let line = Math.max(first, this.first); line <= Math.min(last, this.last); line += 1) this.draw(this.rows.get(line), line);
    this.request();
  }

  follow(following) {
    if (following !== this.following) {
      this.following = following;
      this.followed(following);
    }
    if (following) this.request();
  }

  // Shows the line a part of the window below its top.
  goTo(line, part = 1 / 3) {
    const view = this.box.clientHeight;
    const wanted = Math.min(Math.max(1, line), this.count);
    this.follow(false);
    this.#setSpace(this.#height());
    const place = Math.min(Math.max(0, (wanted - 1) * ROW - view * part), Math.max(0, this.count * ROW - view));
    this.#scrollTo(place / this.#scale(view));
    const at = this.box.scrollTop;
    this.#fill({ line: wanted, y: Math.round(at + (wanted - 1) * ROW - place) }, at, view);
    this.seen = this.#join(at, view);
    this.down = this.jumped = false;
    this.request();
  }

  request() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#update();
    });
  }

  #height() {
    return Math.min(this.count * ROW, TALLEST);
  }

  // How many pixels of rows a pixel of the element stands for.
  #scale(view) {
    const most = this.#height() - view;
    return most > 0 ? (this.count * ROW - view) / most : 1;
  }

  #setSpace(height) {
    if (this.tall === height) return;
    this.tall = height;
    this.space.style.height = `${height}px`;
  }

  #scrollTo(at) {
    this.box.scrollTop = at;
    this.set = this.before = this.box.scrollTop;
    return this.set;
  }

  #place(top) {
    if (this.top === top) return;
    this.top = top;
    this.layer.style.transform = `translateY(${top}px)`;
  }

  #scrolled() {
    const at = this.box.scrollTop;
    if (this.following && at < this.set - 2) this.follow(false);
    const byReader = Math.abs(at - this.set) > 1;
    if (byReader) this.set = -1;
    this.down = byReader && at > this.before;
    this.before = at;
    this.box.classList.toggle("is-aside", this.box.scrollLeft > 0); // sticky numbers cost time: only where they are seen
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.#rest(), REST_MS);
    this.request();
  }

  // Reads what the browser has laid out before it changes anything: to read it after that would lay it out anew.
  #update() {
    const view = this.box.clientHeight;
    if (!view) return; // hidden: drawn when it is seen
    let at = this.box.scrollTop;
    this.#setSpace(Math.max(this.#height(), this.wrapped && this.first === 1 ? this.tall : 0));
    if (this.following || (!this.#holds(at) && at > 0 && at >= this.tall - view - 1)) at = this.#showEnd(view);
    else {
      this.#fill(this.#anchor(at, view), at, view);
      at = this.#join(at, view);
    }
    this.seen = at;
    if (this.down && this.last === this.count && at + view >= this.top + this.#rowsHeight() - 2) this.follow(true);
    this.shown(this.first, this.last);
  }

  #showEnd(view) {
    this.#render(Math.max(1, this.count - Math.ceil(view / ROW) - AROUND), this.count);
    const high = this.#rowsHeight();
    if (this.first === 1) this.#setSpace(high);
    this.#place(this.tall - high);
    return this.#scrollTo(Math.max(0, this.tall - view));
  }

  // Whether a row is there.
  #holds(at) {
    return this.last >= this.first && at >= this.top && at < this.top + this.#rowsHeight();
  }

  // A line, and where on the element its top is: of the row that is there or would be a few windows on, else by the part
  // of the whole.
  #anchor(at, view) {
    if (this.#holds(at)) return this.#rowAt(at);
    const near = this.last >= this.first && Math.abs(at - this.seen) <= NEAR * view;
    if (near && at < this.top) return this.#rowBeside(this.first, this.top, at);
    if (near) return this.#rowBeside(this.last + 1, this.top + this.#rowsHeight(), at);
    const place = Math.min(Math.max(0, at * this.#scale(view)), Math.max(0, this.count * ROW - 1));
    return { line: Math.floor(place / ROW) + 1, y: Math.round(at - (place % ROW)) };
  }

  #rowBeside(line, y, at) {
    const wanted = Math.min(Math.max(1, line + Math.floor((at - y) / ROW)), this.count);
    return { line: wanted, y: y + (wanted - line) * ROW };
  }

  #rowAt(at) {
    if (!this.wrapped) {
      const line = Math.min(this.last, this.first + Math.floor((at - this.top) / ROW));
      return { line, y: this.top + (line - this.first) * ROW };
    }
    let [low, high] = [this.first, this.last];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.rows.get(middle).offsetTop <= at - this.top) low = middle;
      else high = middle - 1;
    }
    return { line: low, y: this.top + this.rows.get(low).offsetTop };
  }

  #rowsHeight() {
    return this.wrapped ? this.layer.offsetHeight : (this.last - this.first + 1) * ROW;
  }

  #fill({ line, y }, at, view) {
    if (!this.count) return this.#render(1, 0);
    const anchor = Math.min(line, this.count);
    this.jumped ||= anchor < this.first - 1 || anchor > this.last + 1;
    const around = this.jumped ? AROUND_JUMP : AROUND;
    const first = Math.max(1, anchor - Math.ceil(Math.max(0, y - at) / ROW) - around);
    this.#render(first, Math.min(this.count, anchor + Math.ceil(view / ROW) + around));
    this.#place(y - (this.wrapped ? this.rows.get(anchor).offsetTop : (anchor - this.first) * ROW));
  }

  // Nothing blank is seen above the first row or below the last one, and the element does not end before the rows do.
  // Answers where on the element the window is then.
  #join(at, view) {
    if (!this.count) return at;
    const high = this.#rowsHeight();
    if (this.first === 1 && this.last === this.count) this.#setSpace(high);
    if (this.first === 1 && (this.last === this.count || this.top > at || at <= 0)) return this.#shift(-this.top, at);
    if (this.last === this.count && this.top + high < at + view) return this.#shift(this.tall - this.top - high, at);
    if (at <= 0 || (this.last < this.count && at >= this.tall - view - 1)) return this.#balance(at, view);
    return at;
  }

  #shift(by, at) {
    if (!by) return at;
    this.#place(this.top + by);
    this.seen += by;
    return this.#scrollTo(at + by);
  }

  #rest() {
    const view = this.box.clientHeight;
    const at = this.box.scrollTop;
    if (this.following || !this.count || !view) return;
    this.request(); // for the rows that a jump left out
    this.jumped = false;
    if (this.first === 1 && this.last === this.count) return;
    const below = this.tall - this.top - this.#rowsHeight();
    if (this.first === 1) this.#shift(-this.top, at);
    else if (this.last === this.count && at + below > view) this.#shift(below, at);
    else this.#balance(at, view);
  }

  // The element is moved to the part of the whole that the rows are.
  #balance(at, view) {
    const { line, y } = this.#anchor(at, view);
    return this.#shift(Math.round(((line - 1) * ROW + at - y) / this.#scale(view) - at), at);
  }

  #render(first, last) {
    const isSelecting = !getSelection().isCollapsed; // a row that is used again would change what is selected
    for (const [line, row] of this.rows) {
      if (line >= first && line <= last) continue;
      row.remove();
      this.rows.delete(line);
      if (this.spare.length < 2 * AROUND && !isSelecting) this.spare.push(row);
    }
    let next = this.rows.get(Math.max(first, this.first)) ?? null;
    const [above, below] = [document.createDocumentFragment(), document.createDocumentFragment()];
    for (let line = first; line <= last; line += 1) {
      if (this.rows.has(line)) continue;
      const row = this.spare.pop() ?? document.createElement("div");
      this.rows.set(line, row);
      this.draw(row, line);
      (next && line < this.first ? above : below).append(row);
    }
    if (above.childNodes.length) this.layer.insertBefore(above, next);
    if (below.childNodes.length) this.layer.append(below);
    [this.first, this.last] = [first, last];
  }
}
