// Terminal colours of a log line as spans of our own classes; every other escape sequence is dropped. Text stays text:
// nothing here makes HTML of it.

// CSI (colours and cursor moves), OSC (titles, links), other two-character escapes; then control characters.
const ESCAPE = /\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\|$)|[PX^_][^\x1b]*(?:\x1b\\|$)|[@-Z\\^_]|$)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g;

export const PLAIN = Object.freeze({ color: "", bold: false, dim: false, italic: false, underline: false });

function colour(code) {
  if (code >= 30 && code <= 37) return `fg${code - 30}`;
  return code >= 90 && code <= 97 ? `fg${code - 90}` : "";
}

function apply(style, codes) {
  let next = { ...style };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code === 39) next.color = "";
    else if (code === 38 || code === 48) {
      // 38;5;n and 38;2;r;g;b: the sixteen named ones are kept, the rest would not be readable in both themes.
      if (code === 38 && codes[at + 1] === 5) next.color = colour(codes[at + 2] < 8 ? codes[at + 2] + 30 : codes[at + 2] + 82);
      at += codes[at + 1] === 2 ? 4 : 2;
    } else if (colour(code)) next.color = colour(code);
  }
  return next;
}

function classes({ color, bold, dim, italic, underline }) {
  return [color, bold && "sgr-bold", dim && "sgr-dim", italic && "sgr-italic", underline && "sgr-underline"].filter(Boolean).join(" ");
}

export const isPlain = (style) => style === PLAIN || !classes(style);

function append(parent, text, style) {
  if (!text) return;
  const name = classes(style);
  if (!name) {
    parent.append(text);
    return;
  }
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  parent.append(span);
}

const styled = (style, match) => (match[2] === "m" ? apply(style, (match[1] || "0").split(/[;:]/).map(Number)) : style);

// The style that the next line begins with.
export function after(line, style) {
  if (!line.includes("\x1b")) return style;
  let next = style;
  for (const match of line.matchAll(ESCAPE)) next = styled(next, match);
  return next;
}

// Fills the element with the line and answers the style that the next line begins with. A carriage return starts the
// line anew, as a progress bar does.
export function render(element, line, style) {
  element.replaceChildren();
  for (const part of line.replace(/\r+$/, "").split("\r")) {
    if (part) element.replaceChildren();
    let from = 0;
    for (const match of part.matchAll(ESCAPE)) {
      append(element, part.slice(from, match.index), style);
      from = match.index + match[0].length;
      style = styled(style, match);
    }
    append(element, part.slice(from), style);
  }
  return style;
}
