// Marks a keyword in the rows that are there, over colours and without touching the text.

const NAME = "log-match";
const lower = (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()); // as the platform's search does

function nodesOf(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  return nodes;
}

// The place in the text as a node and a place in it.
function placeIn(nodes, at) {
  let left = at;
  for (const node of nodes) {
    if (left <= node.length) return [node, left];
    left -= node.length;
  }
  return [nodes.at(-1), nodes.at(-1).length];
}

export class Highlights {
  constructor() {
    this.ranges = new Map();
    this.all = typeof Highlight === "undefined" ? null : new Highlight();
    if (this.all) CSS.highlights.set(NAME, this.all);
  }

  mark(row, element, keyword, ignoresCase) {
    for (const range of this.ranges.get(row) ?? []) this.all.delete(range);
    this.ranges.delete(row);
    if (!this.all || !keyword) return;
    const fold = ignoresCase ? lower : String;
    const [text, wanted] = [fold(element.textContent), fold(keyword)];
    const found = [];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      found.push(this.#range(nodesOf(element), at, at + wanted.length));
    }
    if (found.length) this.ranges.set(row, found);
  }

  #range(nodes, from, to) {
    const range = new Range();
    range.setStart(...placeIn(nodes, from));
    range.setEnd(...placeIn(nodes, to));
    this.all.add(range);
    return range;
  }
}
