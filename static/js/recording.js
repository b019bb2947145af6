// The page of a terminal's recording. The player fetches and reads it in a worker, so that a long one does not hold up the page.
const LONGEST_PAUSE_SECONDS = 3;

const holder = document.querySelector("[data-recording]");
const mono = getComputedStyle(document.documentElement).getPropertyValue("--mono");

globalThis.AsciinemaPlayer.create({ url: holder.dataset.url }, holder, holder.dataset.worker, {
  fit: "both",
  idleTimeLimit: LONGEST_PAUSE_SECONDS,
  preload: true,
  poster: "npt:0",
  startAt: new URLSearchParams(location.search).get("t") ?? undefined,
  terminalFontFamily: mono,
});
