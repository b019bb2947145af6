// The list keeps its filters for the way back: a job's page links to the list as it was left.
import "./list/columns.js";
import "./list/losses.js";
import "./list/pick.js";

const view = document.querySelector("[data-view] [name=params]");
const remember = () => {
  sessionStorage.setItem("list", location.pathname + location.search);
  if (view) view.value = location.search;
};
remember();
document.body.addEventListener("htmx:pushedIntoHistory", remember);
