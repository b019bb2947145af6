// One chart: lines of one metric over a shared x, drawn by uPlot, with a legend that tells the values under the crosshair
// (the last ones without it) and hides lines. Drag to zoom, double click for the whole range, arrow keys for the crosshair.
import * as numbers from "./numbers.js";
import { smoothed } from "./series.js";

const HEIGHT = 220;
const BAND = "0.14"; // opacity of least to largest
const RAW = "0.3"; // of the line under a smoothed one

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const faint = (colour, opacity) => colour.replace(")", ` / ${opacity})`);
const drawable = (values, log) => (log ? values.map((one) => (one > 0 ? one : null)) : values);

// The columns of one line: [band's edges,] [raw,] shown. Each has a role, so that the legend finds its own.
function columnsOf(line, view) {
  const columns = [];
  const bare = { width: 0, points: { show: false } };
  if (line.least && !view.smooth) {
    columns.push({ role: "edge", values: line.largest, ...bare }, { role: "edge", values: line.least, ...bare });
  }
  if (view.smooth) {
    columns.push({ role: "raw", values: line.values, width: 1, points: { show: false }, stroke: faint(line.job.colour, RAW) });
  }
  const values = view.smooth ? smoothed(line.values, view.smooth) : line.values;
  columns.push({ role: "line", values, width: 1.6, stroke: line.job.colour, dash: line.dash });
  return columns.map((column) => ({ ...column, line, values: drawable(column.values, view.log) }));
}

function joined(columns) {
  const tables = columns.map((column) => [column.line.xs, column.values]);
  return tables.length ? globalThis.uPlot.join(tables) : [[]];
}

function bandsOf(columns) {
  const bands = [];
  columns.forEach((column, index) => {
    if (column.role !== "edge" || columns[index + 1]?.role !== "edge" || bands.at(-1)?.series[1] === index + 1) return;
    bands.push({ series: [index + 1, index + 2], fill: faint(column.line.job.colour, BAND) });
  });
  return bands;
}

export class Chart {
  // host: an empty element. label(from, to) names the chart in words. range(from, to) is called with a zoom, range(null)
  // for the whole range.
  constructor(host, { label, hidden, range }) {
    this.host = host;
    this.label = label;
    this.hidden = hidden;
    this.range = range;
    this.plot = null;
    this.legend = document.createElement("ul");
    this.legend.className = "chart-legend plain";
    this.canvas = document.createElement("div");
    this.canvas.className = "chart-canvas";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "group");
    host.append(this.legend, this.canvas);
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("pointermove", () => { this.legend.ariaLive = "off"; });
    this.resizes = new ResizeObserver(() => this.#fit());
    this.resizes.observe(this.canvas);
  }

  draw(lines, view, across) {
    const shape = JSON.stringify([lines.map((line) => [line.key, line.job.colour, !!line.least]), view.smooth > 0, view.log, across]);
    this.lines = lines;
    this.view = view;
    this.across = across;
    this.columns = lines.flatMap((line) => columnsOf(line, view));
    const data = joined(this.columns);
    if (this.plot && shape === this.shape) this.plot.setData(data, false);
    else this.#make(data);
    this.shape = shape;
    this.zoom(view);
    this.#tell();
  }

  // The theme changed, or the charts were made anew.
  redraw() {
    this.shape = "";
    this.draw(this.lines, this.view, this.across);
  }

  zoom({ from, to }) {
    const xs = this.plot.data[0];
    let [min, max] = from === null ? [xs[0] ?? 0, xs.at(-1) ?? 1] : [from, to];
    if (min === max) [min, max] = [min - 0.5, max + 0.5]; // one point stands in the middle
    this.plot.setScale("x", { min, max });
    const [left, right] = [min, max].map((one) => numbers.placeText(one, this.across));
    this.canvas.setAttribute("aria-label", this.label(left, right));
  }

  toggle(key) {
    this.columns.forEach((column, index) => {
      if (column.line.key === key) this.plot.setSeries(index + 1, { show: !this.hidden.has(key) });
    });
    this.#tell();
  }

  #make(data) {
    this.plot?.destroy();
    this.items = null;
    this.plot = new globalThis.uPlot(this.#options(), data, this.canvas);
  }

  #options() {
    const axis = { stroke: token("--soft"), grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line"), width: 1 }, font: `11px ${token("--sans")}` };
    const { across } = this;
    return {
      width: this.canvas.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 20, 0, 0],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        sync: { key: "charts", setSeries: false },
        points: { size: 6 },
        bind: { dblclick: () => () => { this.range(null); } },
      },
      scales: { x: { time: false, auto: false }, y: { distr: this.view.log ? 3 : 1 } },
      axes: [
        { ...axis, size: 28, space: 70, values: (plot, splits) => splits.map((one) => (one === null ? "" : numbers.placeText(one, across))) },
        { ...axis, size: 64, values: (plot, splits) => splits.map((one) => (one === null ? "" : numbers.value(one))) },
      ],
      series: [{}, ...this.columns.map((column) => this.#series(column))],
      bands: bandsOf(this.columns),
      hooks: { setCursor: [() => this.#tell()], setSelect: [(plot) => this.#selected(plot)] },
    };
  }

  #series({ role, line, width, stroke, dash, points }) {
    const alone = line.xs.length === 1;
    return {
      label: line.name, width, stroke, dash, spanGaps: true, show: !this.hidden.has(line.key),
      points: points ?? { show: alone || undefined, size: 5, fill: line.job.colour },
      ...(role === "line" ? {} : { cursor: false }),
    };
  }

  #selected(plot) {
    const { left, width } = plot.select;
    if (width < 3) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.range(from, to);
  }

  #fit() {
    const width = this.canvas.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.plot) return;
    event.preventDefault();
    this.legend.ariaLive = "polite"; // the values under the crosshair are read out
    const xs = this.plot.data[0];
    const at = this.plot.cursor.idx ?? (step > 0 ? -1 : xs.length);
    const next = Math.min(Math.max(at + step, 0), xs.length - 1);
    this.plot.setCursor({ left: this.plot.valToPos(xs[next], "x"), top: HEIGHT / 3 });
  }

  // The legend: one entry a line, made once, its text as the crosshair moves.
  #tell() {
    if (!this.plot) return;
    this.items ??= this.#makeLegend();
    const index = this.plot.cursor.left >= 0 ? this.plot.cursor.idx : null;
    const x = index === null || index === undefined ? null : this.plot.data[0][index];
    this.items.place.textContent = x === null ? "" : `${this.across === "time" ? "" : "@ "}${numbers.placeText(x, this.across)}`;
    this.columns.forEach((column, number) => {
      if (column.role !== "line") return;
      const values = this.plot.data[number + 1];
      const { button, text } = this.items.lines.get(column.line.key);
      text.textContent = numbers.value(x === null ? lastOf(values) : nearest(values, index));
      button.setAttribute("aria-pressed", String(!this.hidden.has(column.line.key)));
    });
  }

  #makeLegend() {
    const place = document.createElement("li");
    place.className = "chart-place";
    const several = new Set(this.lines.map((line) => line.job.id)).size > 1;
    const lines = new Map(this.lines.map((line) => [line.key, legendItem(line, several, () => {
      this.hidden.toggle(line.key);
      this.toggle(line.key);
    })]));
    this.legend.replaceChildren(...[...lines.values()].map(({ item }) => item), place);
    return { place, lines };
  }
}

function legendItem(line, several, toggle) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const mark = document.createElement("span");
  const name = document.createElement("bdi");
  const text = document.createElement("span");
  button.type = "button";
  mark.className = line.dash.length ? "chart-mark is-dashed" : "chart-mark";
  mark.style.setProperty("--own", line.job.colour);
  name.textContent = several ? `${line.job.name} · ${line.name}` : line.name;
  name.className = "clip";
  button.title = name.textContent;
  text.className = "chart-value";
  button.append(mark, name, text);
  button.addEventListener("click", toggle);
  item.append(button);
  return { item, button, text };
}

const lastOf = (values) => values.findLast((one) => one !== null && one !== undefined) ?? null;

// The line's own value at or before the crosshair: other lines may have points between its own.
function nearest(values, index) {
  for (let at = index; at >= 0; at -= 1) if (values[at] !== null && values[at] !== undefined) return values[at];
  return null;
}
