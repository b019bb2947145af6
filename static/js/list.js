// The list keeps its filters for the way back: a job's page links to the list as it was left.
const remember = () => sessionStorage.setItem("list", location.pathname + location.search);
remember();
document.body.addEventListener("htmx:pushedIntoHistory", remember);
