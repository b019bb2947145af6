// What every page needs: theme, confirmation, copying, keys, refreshes. No state is kept but in the URL and cookies.
import { startKeys } from "./keys.js";
import { startRefreshes } from "./refresh.js";

const root = document.documentElement;
const YEAR_SECONDS = 365 * 86400;

function keep(cookie, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${value}; path=/; max-age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
}

function switchTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  keep("theme", root.dataset.theme);
  document.dispatchEvent(new CustomEvent("theme"));
}

// The question is asked in one shared dialog; the answer is the POST that the link or form stands for.
function ask(trigger) {
  const dialog = document.getElementById("confirm");
  const form = dialog.querySelector("form");
  const own = trigger.closest("form");
  form.action = own ? own.action : trigger.href;
  form.elements.next.value = trigger.dataset.next || "";
  dialog.querySelector("h2").textContent = trigger.dataset.title;
  dialog.querySelector("[data-name]").textContent = trigger.dataset.name;
  dialog.querySelector("[data-text]").textContent = trigger.dataset.text;
  dialog.querySelector("[data-yes]").textContent = trigger.dataset.yes;
  dialog.showModal();
  dialog.querySelector("[data-close]").focus();
  // The browser gives the focus back, unless the list has refreshed meanwhile. Who has moved on is not fetched back.
  dialog.addEventListener("close", () => {
    if (document.activeElement === document.body) (trigger.isConnected ? trigger : document.getElementById("main")).focus();
  }, { once: true });
}

async function copy(text) {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // plain http has no clipboard API
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function copyFrom(button) {
  const text = button.dataset.copyText || button.closest("[data-copy-block]").querySelector("code").textContent;
  const label = button.textContent;
  if (label === button.dataset.done) return;
  await copy(text);
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 1500);
}

document.addEventListener("click", (event) => {
  const element = event.target instanceof Element ? event.target : null;
  if (!element) return;
  const confirm = element.closest("[data-confirm]");
  if (confirm) {
    event.preventDefault();
    ask(confirm);
  } else if (element.closest("[data-theme-switch]")) switchTheme();
  else if (element.closest("[data-close]")) element.closest("dialog").close();
  else if (element.closest("[data-copy], [data-copy-text]")) copyFrom(element.closest("[data-copy], [data-copy-text]"));
});

// What is named a button is pressed with the space bar too, also where it is a link.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !(event.target instanceof Element) || !event.target.matches("a[role=button]")) return;
  event.preventDefault();
  event.target.click();
});

// One submit a form: a second click while the first is under way does nothing.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (event.target.dataset.sent) event.preventDefault();
  else if (event.target.method === "post") event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The pages tell times in the browser's zone unless the account names another.
keep("timezone", Intl.DateTimeFormat().resolvedOptions().timeZone || "");

// The way back to the list leads to the list as it was left (list.js).
const list = sessionStorage.getItem("list");
for (const link of list ? document.querySelectorAll("a[data-list]") : []) link.href = new URL(list, location.origin).href;

startKeys();
startRefreshes();
