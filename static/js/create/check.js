// Asks the platform, while somebody types, what a submit would say: errors in place, and whether the job fits now.
import { nameField } from "./rows.js";

const PAUSE_MS = 300;
const ENV = /^env-(\d+)$/;

const form = document.querySelector("[data-create]");
const outlook = form.querySelector("[data-outlook]");
let timer = 0;
let asking = null;

function controlOf(name) {
  const index = ENV.exec(name)?.[1];
  const found = index === undefined ? document.getElementById(`f-${name}`) : nameField(Number(index));
  return found && !found.closest("[hidden]") ? found : document.getElementById("f-spec");
}

function clear() {
  for (const error of form.querySelectorAll(".error")) error.remove();
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    const others = (control.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && !id.startsWith("e-"));
    control.setAttribute("aria-describedby", others.join(" "));
  }
}

export function showErrors(errors) {
  clear();
  for (const { field, message } of errors) {
    const control = controlOf(field);
    const error = document.createElement("p");
    error.className = "error";
    error.id = `e-${field}`;
    error.textContent = message;
    control.closest(".field, .env").append(error);
    if (control.matches("fieldset")) continue;
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", `${control.getAttribute("aria-describedby") || ""} ${error.id}`.trim());
  }
}

function showOutlook(told) {
  outlook.classList.toggle("is-done", Boolean(told?.fitsNow));
  for (const shape of outlook.querySelectorAll("[data-fits]")) shape.hidden = !told || (shape.dataset.fits === "1") !== told.fitsNow;
  const text = told ? told.message : "";
  const place = outlook.querySelector("[data-outlook-text]");
  if (place.textContent !== text) place.textContent = text;
}

async function ask(body, withErrors) {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(form.dataset.check, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      signal: asking.signal,
    });
    const told = await answer.json();
    if (withErrors) showErrors(told.errors);
    showOutlook(told.outlook);
  } catch (error) {
    if (error.name !== "AbortError") showOutlook({ fitsNow: false, message: outlook.dataset.away });
  }
}

// `withErrors` false leaves what the page says already, and asks for the outlook alone.
export function check(body, withErrors = true) {
  clearTimeout(timer);
  timer = setTimeout(() => ask(body, withErrors), PAUSE_MS);
}

export function dropCheck() {
  clearTimeout(timer);
  asking?.abort();
}
