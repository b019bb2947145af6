// One row of the log: the line's number as a link to it, its time, its text.
import { isPlain, render } from "../ansi.js";
import { LINE_MAX } from "./store.js";

const STAMP = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d\.\d{3})\d*Z /;

const made = new WeakMap();

function make(row) {
  const number = document.createElement("a");
  number.className = "log-number";
  number.tabIndex = -1;
  const time = document.createElement("time");
  time.className = "log-time";
  const text = document.createElement("span");
  text.className = "log-text";
  row.append(number, time, text);
  made.set(row, { number, time, text });
  return made.get(row);
}

function drawTime(element, text, zone) {
  const found = STAMP.exec(text);
  if (element.hidden === Boolean(found)) element.hidden = !found;
  if (!found) return text;
  const exact = new Date(`${found[1]}T${found[2]}Z`);
  const shown = zone(exact);
  if (element.textContent !== shown) element.textContent = shown;
  element.dateTime = element.title = found[0].trim();
  return text.slice(found[0].length);
}

// `line`: {number, text, mark, style, isChosen}; text is undefined where it is still on its way.
export function draw(row, line, { zone, cut }) {
  const { number, time, text } = made.get(row) ?? make(row);
  number.setAttribute("href", `#L${line.number}`);
  number.textContent = line.number;
  row.dataset.line = line.number;
  const name = `log-row${line.isChosen ? " is-chosen" : ""}${line.mark ? " mark" : ""}${line.text === undefined ? " is-missing" : ""}`;
  if (row.className !== name) row.className = name;
  const said = drawTime(time, line.text ?? "", zone);
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(said) || !isPlain(line.style)) render(text, said.slice(0, LINE_MAX), line.style);
  else text.textContent = said.slice(0, LINE_MAX);
  if ((line.text?.length ?? 0) > LINE_MAX) {
    const note = document.createElement("em");
    note.className = "log-cut";
    note.textContent = cut;
    text.append(note);
  }
}
