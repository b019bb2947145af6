// From the API's answers (docs/metrics.md) to what a chart draws: groups of lines that belong in one chart, each with
// its x values rising. No page, no network.

const SPLIT = /^(train|training|val|valid|validation|eval|test)[_/.-](.+)$/i;
const RESET = 0.1; // a step that falls below a tenth of the last one begins a new count; else the run went back

// metric_2 before metric_10.
export const inOrder = (one, other) => one.localeCompare(other, undefined, { numeric: true });

export const groupOf = (name) => name.match(SPLIT)?.[2] ?? name;

// How a line is dashed: training and unnamed whole, others broken, so that a job keeps its one colour.
export function dashOf(name) {
  const split = name.match(SPLIT)?.[1].toLowerCase();
  if (!split || split.startsWith("train")) return [];
  return split === "test" ? [2, 3] : [6, 4];
}

// What lies along x when nobody chose: steps where any are, else epochs, else time.
export function fittingX(answers) {
  const points = answers.flatMap(({ series }) => series.flatMap((one) => one.points.slice(0, 1)));
  if (points.some((point) => point.step !== null)) return "step";
  return points.some((point) => point.epoch !== null) ? "epoch" : "time";
}

const place = { step: (point) => point.step, epoch: (point) => point.epoch, time: (point, start) => point.time - start };

// Points with an x, rising. Steps counted anew in each epoch are strung together; where a run went back to a
// checkpoint, what it did again replaces what it had done.
export function rising(points, across, start) {
  const kept = [];
  let offset = 0;
  let last = -Infinity;
  for (const point of points) {
    const own = place[across](point, start);
    if (own === null) continue;
    if (across === "step" && own < last && own <= last * RESET) offset += last;
    last = own;
    const x = own + offset;
    while (kept.length && kept[kept.length - 1].x >= x) kept.pop();
    kept.push({ x, point });
  }
  return kept;
}

export const startOf = (answer) =>
  Math.min(...answer.series.flatMap((one) => one.points.slice(0, 1).map((point) => point.time)));

// [{group, lines: [{key, job, name, dash, xs, values, least, largest}]}], by name. `runs`: [{job, answer}].
export function grouped(runs, across) {
  const groups = new Map();
  for (const { job, answer } of runs) {
    const start = startOf(answer);
    for (const { name, points } of answer.series) {
      const kept = rising(points, across, start);
      if (!kept.length) continue;
      if (!groups.has(groupOf(name))) groups.set(groupOf(name), []);
      groups.get(groupOf(name)).push(line(job, name, kept, runs.length > 1));
    }
  }
  return [...groups].sort(([one], [other]) => inOrder(one, other)).map(([group, lines]) => ({ group, lines }));
}

function line(job, name, kept, several) {
  const merged = kept.some(({ point }) => point.count > 1);
  return {
    key: several ? `${job.id} ${name}` : name,
    job,
    name,
    dash: dashOf(name),
    xs: kept.map(({ x }) => x),
    values: kept.map(({ point }) => point.value),
    least: merged ? kept.map(({ point }) => point.min) : null,
    largest: merged ? kept.map(({ point }) => point.max) : null,
  };
}

// An exponential mean that is not drawn to zero at its start. weight 0 changes nothing.
export function smoothed(values, weight) {
  let mean = 0;
  let share = 0;
  return values.map((value) => {
    mean = mean * weight + value * (1 - weight);
    share = share * weight + (1 - weight);
    return mean / share;
  });
}
