// The loss of each job that is shown, as a small line: asked for after the page, and again for those that run.
const EVERY_MS = 15_000;
const NAMESPACE = "http://www.w3.org/2000/svg";

function line({ path, last, name }) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", "0 0 60 16");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(NAMESPACE, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  const value = document.createElement("span");
  value.textContent = last;
  value.title = name;
  return [svg, value];
}

async function ask(wanted) {
  const cells = [...document.querySelectorAll(`#jobs [data-loss]${wanted}`)];
  if (!cells.length || document.hidden) return;
  const ids = cells.map((cell) => cell.closest("tr").dataset.job);
  const answer = await fetch(`/jobs/losses?ids=${ids.join(",")}`).catch(() => null);
  if (!answer?.ok) return; // the note about the connection is the refreshes'
  const losses = await answer.json();
  for (const cell of cells) {
    const loss = losses[cell.closest("tr")?.dataset.job];
    cell.dataset.asked = "yes";
    if (loss) cell.replaceChildren(...line(loss));
  }
}

ask("");
setInterval(() => { ask("[data-grows]"); ask(":not([data-asked]):not([data-grows])"); }, EVERY_MS);
document.body.addEventListener("htmx:afterSettle", () => ask(":not([data-asked])"));
