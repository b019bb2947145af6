// The log of a page: what the reader does with it. Lines and keyword are in the URL, and how it is shown is remembered.
import { Search } from "./log/search.js";
import { LogView } from "./log/view.js";

const LINES = /^#L(\d+)(?:-L?(\d+))?$/;
const TYPING_MS = 250;
const YEAR_SECONDS = 365 * 86400;

const root = document.querySelector("[data-log]");
const head = document.getElementById("log-head");
const view = new LogView(root);
const field = root.querySelector("[data-log-search]");
const count = root.querySelector("[data-log-count]");
const search = new Search({ changed: showCount, jump: (line) => choose(line, line, true) });

const grouped = (number) => number.toLocaleString(document.documentElement.lang);

function showCount() {
  const { keyword, total, isExact, number } = search;
  const texts = root.dataset;
  if (!keyword) count.textContent = "";
  else if (!isExact) count.textContent = texts.searching.replace("{total}", grouped(total));
  else if (!total) count.textContent = texts.noMatch;
  else count.textContent = number ? texts.matchOf.replace("{number}", grouped(number)).replace("{total}", grouped(total)) : grouped(total);
  for (const button of root.querySelectorAll("[data-log-older], [data-log-newer]")) button.disabled = !total;
}

function setAddress(change) {
  const address = new URL(location);
  change(address);
  history.replaceState(history.state, "", address);
}

function choose(first, last, jump) {
  if (jump) view.goTo(first, last);
  else view.choose(first, last);
  setAddress((address) => {
    if (!root.dataset.isPage) address.searchParams.set("pod", view.pod);
    address.hash = first === last ? `L${first}` : `L${first}-L${last}`;
  });
}

function fromHash() {
  const found = LINES.exec(location.hash);
  if (found && !view.isAll) view.goTo(Number(found[1]), Number(found[2] ?? found[1]));
}

function find() {
  const keyword = field.value;
  setAddress((address) => (keyword ? address.searchParams.set("find", keyword) : address.searchParams.delete("find")));
  if (!view.isAll) search.start(view.address, keyword, view.scroller.bottomLine());
  view.mark(keyword, !view.isAll && search.ignoresCase);
}

function step(newer) {
  clearTimeout(field.typing);
  if (view.keyword !== field.value) find();
  else if (newer) search.newer();
  else search.older();
}

field.addEventListener("input", () => {
  clearTimeout(field.typing);
  field.typing = setTimeout(find, TYPING_MS);
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  step(!event.shiftKey);
});
root.querySelector("[data-log-older]").addEventListener("click", () => step(false));
root.querySelector("[data-log-newer]").addEventListener("click", () => step(true));

root.querySelector(".log-layer").addEventListener("click", (event) => {
  const link = event.target.closest(".log-number");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const line = Number(link.parentElement.dataset.line);
  const from = event.shiftKey && view.chosen[0] ? view.chosen[0] : line;
  choose(Math.min(from, line), Math.max(from, line), false);
});
addEventListener("hashchange", fromHash);

// A switch is a pressed button, and remembered where the server sees it: it has the page ask for the log's end at once.
function startSwitch(name, apply) {
  const button = root.querySelector(`[data-log-${name}]`);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const isOn = () => button.getAttribute("aria-pressed") === "true";
  apply(isOn());
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isOn()));
    document.cookie = `log_${name}=${isOn() ? 1 : ""}; path=/; max-age=${isOn() ? YEAR_SECONDS : 0}; SameSite=Lax${secure}`;
    apply(isOn());
  });
}
startSwitch("wrap", (on) => view.scroller.setWrapped(on));
startSwitch("times", (on) => view.setTimed(on));

// The pod of the page may come only when the job starts, or change with a new attempt.
function openShown() {
  const { pod } = head.dataset;
  if (!pod || pod === view.pod) return;
  view.open(pod);
  for (const element of root.querySelectorAll("[data-log-one]")) element.hidden = view.isAll;
  root.querySelector("[data-log-download]").href = `${view.address}/download`;
  fromHash();
  if (field.value) find();
}
document.addEventListener("change", ({ target }) => {
  if (target instanceof HTMLSelectElement && target.matches("[data-log-pod]")) location.assign(target.value);
});
new MutationObserver(openShown).observe(head, { attributes: true, attributeFilter: ["data-pod"] });
field.value = new URLSearchParams(location.search).get("find") ?? "";
if (head.dataset.pod) openShown();
else view.say(view.texts.waiting);
