// The metrics of the page's jobs: read at once, read on while a log is long, read again while a job runs and the page is
// seen. A read that fails is told of and tried again.

const EVERY_MS = 5000;
const REST = 10; // a read that takes long is followed by ten times as much rest

export class Source {
  // told(runs, failures): [{job, answer}] of what is known, and of jobs whose last read failed [{job, why}].
  constructor(jobs, told) {
    this.jobs = jobs;
    this.told = told;
    this.wanted = { replica: 0, attempt: 0 };
    this.state = new Map();
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#wake(); });
  }

  // attempt 0: the current one of each.
  read({ replica, attempt }) {
    this.wanted = { replica, attempt };
    for (const { timer } of this.state.values()) clearTimeout(timer);
    this.state = new Map(this.jobs.map((job) => [job.id, { job, answer: null, why: "", timer: 0 }]));
    for (const state of this.state.values()) this.#ask(state);
  }

  #wake() {
    for (const state of this.state.values()) if (state.asleep) this.#ask(state);
  }

  async #ask(state) {
    state.asleep = false;
    const began = performance.now();
    const { why, answer } = await fetched(state.job.id, this.wanted);
    if (this.state.get(state.job.id) !== state) return; // asked for others meanwhile
    state.why = why;
    if (answer) state.answer = answer;
    if (state.answer?.complete || why) this.#again(state, Math.max(EVERY_MS, (performance.now() - began) * REST));
    else this.#ask(state);
    this.#tell();
  }

  #again(state, after) {
    if (!state.job.running && !state.why) return;
    state.timer = setTimeout(() => {
      if (document.hidden) state.asleep = true;
      else this.#ask(state);
    }, after);
  }

  #tell() {
    const all = [...this.state.values()];
    this.told({
      runs: all.filter(({ answer }) => answer),
      failures: all.filter(({ why }) => why),
      reading: all.some(({ answer, why }) => !why && !answer?.complete),
    });
  }
}

async function fetched(id, { replica, attempt }) {
  const query = new URLSearchParams({ replica, ...(attempt && { attempt }) });
  try {
    const response = await fetch(`/api/jobs/${id}/metrics?${query}`, { headers: { Accept: "application/json" } });
    const body = await response.json();
    return response.ok ? { why: "", answer: body.data } : { why: body.message ?? String(response.status), answer: null };
  } catch (error) {
    return { why: error.message, answer: null };
  }
}
