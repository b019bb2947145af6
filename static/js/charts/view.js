// How the charts are looked at. What a colleague should see too is in the address; which lines and charts are hidden is
// the reader's own, and stays in this browser.

const DEFAULTS = { x: "", smooth: 0, log: false, replica: 0, attempt: 0, named: "", from: null, to: null };
const MOST_REMEMBERED = 300;

const number = (text) => (text === null || text === "" || !Number.isFinite(Number(text)) ? null : Number(text));

// attempt 0 is each job's current one.
export function readView() {
  const query = new URLSearchParams(location.search);
  const [from, to] = [number(query.get("from")), number(query.get("to"))];
  const whole = from === null || to === null || from >= to;
  return {
    x: ["step", "epoch", "time"].includes(query.get("x")) ? query.get("x") : "",
    smooth: Math.min(Math.max(number(query.get("smooth")) ?? 0, 0), 0.98),
    log: query.get("log") === "1",
    replica: Math.max(0, Math.trunc(number(query.get("replica")) ?? 0)),
    attempt: Math.max(0, Math.trunc(number(query.get("attempt")) ?? 0)),
    named: query.get("named") ?? "",
    from: whole ? null : from,
    to: whole ? null : to,
  };
}

export function writeView(view) {
  const query = new URLSearchParams(location.search);
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    if (view[name] === standard) query.delete(name);
    else query.set(name, view[name] === true ? "1" : String(view[name]));
  }
  history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
}

// A set of names that outlives the page: the newest few hundred.
export class Remembered {
  constructor(key) {
    this.key = key;
    this.names = new Set(this.#read());
  }

  #read() {
    try {
      const names = JSON.parse(localStorage.getItem(this.key) ?? "[]");
      return Array.isArray(names) ? names : [];
    } catch {
      return []; // storage is off, or holds something else
    }
  }

  has(name) { return this.names.has(name); }

  toggle(name) {
    if (!this.names.delete(name)) this.names.add(name);
    try {
      localStorage.setItem(this.key, JSON.stringify([...this.names].slice(-MOST_REMEMBERED)));
    } catch {
      // storage is off or full: it holds for this page
    }
  }
}
