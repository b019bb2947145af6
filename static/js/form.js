// The create form: rows of environment variables, and the summary of errors under the reader's eyes.
const rows = document.querySelector("[data-envs]");
const template = document.querySelector("[data-env-template]");

function reveal(root) {
  for (const button of root.querySelectorAll("[data-remove-env], [data-add-env]")) button.hidden = false;
  for (const select of root.querySelectorAll("[name=env_kind]")) hideSecret(select);
}

function hideSecret(select) {
  select.closest(".env").querySelector("[name=env_value]").type = select.value === "secret" ? "password" : "text";
}

document.addEventListener("click", (event) => {
  const element = event.target instanceof Element ? event.target : null;
  if (element?.closest("[data-add-env]")) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("[id]").removeAttribute("id");
    rows.append(row);
    reveal(row);
    row.querySelector("input").focus();
  } else if (element?.closest("[data-remove-env]")) {
    element.closest(".env").remove();
    document.querySelector("[data-add-env]").focus();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.name === "env_kind") hideSecret(event.target);
});

// A link of the summary may point into the folded part.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest('.notice a[href^="#f-"]') : null;
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  const fold = field.closest("details");
  if (fold) fold.open = true;
  (field.matches("fieldset") ? field.querySelector("input") : field).focus();
});

reveal(document);
document.querySelector("[data-focus]")?.focus();
