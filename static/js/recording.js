// The page of a terminal's recording: the player, which runs WebAssembly.
const LONGEST_PAUSE_SECONDS = 3;

const holder = document.querySelector("[data-recording]");
const from = new URLSearchParams(location.search).get("t");

globalThis.AsciinemaPlayer.create({ url: holder.dataset.url }, holder, {
  fit: "both",
  idleTimeLimit: LONGEST_PAUSE_SECONDS,
  preload: true,
  ...(from && { startAt: from }),
  terminalFontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
});
