// Which columns are shown: kept in a cookie, so that the page comes as it was left.
const YEAR_SECONDS = 365 * 86400;
const boxes = [...document.querySelectorAll("[data-column]")];

function apply() {
  const hidden = boxes.filter((box) => !box.checked).map((box) => box.dataset.column);
  const table = document.getElementById("jobs");
  for (const box of boxes) table?.classList.toggle(`hide-${box.dataset.column}`, !box.checked);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `columns=${hidden.join(".")}; path=/; max-age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
}

for (const box of boxes) box.addEventListener("change", apply);
// A menu closes by Escape and by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
