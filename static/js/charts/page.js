// The charts of a page: one for each metric, of all the page's jobs together, made when it comes into view.
import { Chart } from "./chart.js";
import * as numbers from "./numbers.js";
import { fittingX, grouped, inOrder } from "./series.js";
import { Source } from "./source.js";
import { readView, Remembered, writeView } from "./view.js";

const page = document.querySelector("[data-charts]");
const jobs = JSON.parse(document.getElementById("chart-jobs").textContent);
const grid = page.querySelector("[data-grid]");
const note = page.querySelector("[data-note]");
const warnings = page.querySelector("[data-warnings]");
const tools = page.querySelector("[data-tools]");
const whole = page.querySelector("[data-whole]");
const hidden = new Remembered("charts.hidden");
const folded = new Remembered("charts.folded");
const panels = new Map(); // group -> {element, chart, lines}
let view = readView();
let known = { runs: [], failures: [], reading: true };
let across = "step";

const say = (template, ...words) => words.reduce((text, word) => text.replace("%s", () => word), template);

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const panel = panels.get(target.dataset.group);
    if (!panel) continue;
    panel.seen = isIntersecting;
    if (isIntersecting) drawPanel(panel);
  }
}, { rootMargin: "200px" });

function makePanel(group) {
  const element = document.createElement("section");
  element.className = "chart";
  element.dataset.group = group;
  const heading = document.createElement("h3");
  const fold = document.createElement("button");
  fold.type = "button";
  fold.className = "chart-title";
  fold.append(Object.assign(document.createElement("bdi"), { textContent: group }));
  heading.append(fold);
  const body = document.createElement("div");
  body.className = "chart-body";
  element.append(heading, body);
  const panel = { element, body, fold, group, chart: null, lines: [], seen: false };
  fold.addEventListener("click", () => {
    folded.toggle(group);
    drawPanel(panel);
  });
  return panel;
}

function drawPanel(panel) {
  const closed = folded.has(panel.group);
  panel.body.hidden = closed;
  panel.fold.setAttribute("aria-expanded", String(!closed));
  panel.fold.title = closed ? page.dataset.unfold : page.dataset.fold;
  if (closed || !panel.seen || panel.element.hidden) return;
  panel.chart ??= new Chart(panel.body, { label: (...range) => say(page.dataset.chartOf, panel.group, ...range), hidden, range: zoom });
  panel.chart.draw(panel.lines, view, across);
}

function draw() {
  across = view.x || fittingX(known.runs.map(({ answer }) => answer));
  const groups = grouped(known.runs, across);
  const named = view.named.toLowerCase();
  let shown = 0;
  for (const { group, lines } of groups) {
    if (!panels.has(group)) addPanel(group);
    const panel = panels.get(group);
    panel.lines = lines;
    panel.element.hidden = !lines.some(({ name }) => name.toLowerCase().includes(named));
    shown += panel.element.hidden ? 0 : 1;
    drawPanel(panel);
  }
  removeAllBut(new Set(groups.map(({ group }) => group)));
  whole.disabled = view.from === null;
  tell(groups.length, shown);
}

// In the order of the names, wherever the newcomer belongs.
function addPanel(group) {
  const panel = makePanel(group);
  const after = [...grid.children].find((other) => inOrder(other.dataset.group, group) > 0);
  grid.insertBefore(panel.element, after ?? null);
  panels.set(group, panel);
  seen.observe(panel.element);
}

function removeAllBut(groups) {
  for (const [group, panel] of panels) {
    if (groups.has(group)) continue;
    seen.unobserve(panel.element);
    panel.chart?.plot?.destroy();
    panel.element.remove();
    panels.delete(group);
  }
}

function tell(charts, shown) {
  const text = page.dataset;
  const [failure] = known.failures;
  if (failure) note.textContent = say(text.failed, failure.job.name, failure.why);
  else if (known.reading) note.textContent = text.reading;
  else if (!charts) note.textContent = jobs.some(({ running }) => running) ? text.nothing : text.nothingFinal;
  else note.textContent = shown ? progressText() : text.noMatch;
  warnings.replaceChildren(...known.runs.flatMap(warningsOf).map((sentence) => {
    const item = document.createElement("li");
    item.className = "notice is-look";
    item.textContent = sentence;
    return item;
  }));
}

function progressText() {
  const progress = jobs.length === 1 ? known.runs[0]?.answer.progress : null;
  if (!progress) return "";
  const counted = progress.totalSteps ? say(page.dataset.progress, numbers.count(progress.step), numbers.count(progress.totalSteps)) : "";
  const share = `${Math.floor(progress.fraction * 100)} %`;
  const left = progress.remainingSeconds && jobs[0].running ? say(page.dataset.remaining, numbers.seconds(progress.remainingSeconds)) : "";
  return [share, counted, left].filter(Boolean).join(" · ");
}

function warningsOf({ job, answer }) {
  const owner = jobs.length > 1 ? `${job.name} · ` : "";
  const sentences = answer.series.filter(({ nonFinite }) => nonFinite).map(({ name, nonFinite }) =>
    say(page.dataset.notFinite, owner + name, numbers.count(nonFinite.count), nonFinite.firstStep === null ? "–" : numbers.count(nonFinite.firstStep)));
  if (answer.leftOut) sentences.push(owner + say(page.dataset.leftOut, numbers.count(answer.leftOut)));
  return sentences;
}

function look(changes) {
  view = { ...view, ...changes };
  writeView(view);
  draw();
}

function zoom(from, to) {
  look(from === null ? { from: null, to: null } : { from: Number(from.toPrecision(6)), to: Number(to.toPrecision(6)) });
}

function showTools() {
  const { x, smooth, log, replica, attempt, named } = tools.elements;
  x.value = view.x;
  smooth.value = view.smooth;
  log.checked = view.log;
  replica.value = view.replica;
  if (attempt) attempt.value = view.attempt;
  named.value = view.named;
}

const source = new Source(jobs, (news) => {
  known = news;
  draw();
});

const chosen = {
  x: (field) => look({ x: field.value, from: null, to: null }),
  smooth: (field) => look({ smooth: Number(field.value) }),
  log: (field) => look({ log: field.checked }),
  named: (field) => look({ named: field.value.trim() }),
  replica(field) {
    view = { ...view, replica: Math.max(0, Math.trunc(Number(field.value)) || 0) };
    writeView(view);
    source.read(view);
  },
  attempt(field) {
    view = { ...view, attempt: Number(field.value) };
    writeView(view);
    source.read(view);
  },
};
const asks = new Set(["replica", "attempt"]); // for other values, not for another look at them
tools.addEventListener("input", ({ target }) => { if (!asks.has(target.name)) chosen[target.name]?.(target); });
tools.addEventListener("change", ({ target }) => { if (asks.has(target.name)) chosen[target.name](target); });
tools.addEventListener("submit", (event) => event.preventDefault());
whole.addEventListener("click", () => zoom(null));
const repaint = () => { for (const { chart } of panels.values()) if (chart?.plot) chart.redraw(); };
document.addEventListener("theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

showTools();
source.read(view);
