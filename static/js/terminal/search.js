// The bar that finds text in what the terminal shows and in its scrollback.
import { SearchAddon } from "../../vendor/@xterm/addon-search/0.16.0/addon-search.mjs";

const COLOURS = {
  matchBackground: "#5c4a12",
  activeMatchBackground: "#b07d00",
  matchOverviewRuler: "#b07d00",
  activeMatchColorOverviewRuler: "#ffd166",
};

export class Search {
  constructor(bar, terminal) {
    this.bar = bar;
    this.terminal = terminal;
    this.field = bar.querySelector("input");
    this.count = bar.querySelector("[data-search-count]");
    this.addon = new SearchAddon({ highlightLimit: 1000 });
    terminal.loadAddon(this.addon);
    this.addon.onDidChangeResults(({ resultIndex, resultCount }) => this.tell(resultIndex, resultCount));
    this.field.addEventListener("input", () => this.begin());
    bar.addEventListener("submit", (event) => {
      event.preventDefault();
      this.find(event.submitter?.value || "Previous");
    });
    bar.addEventListener("keydown", (event) => this.press(event));
    bar.querySelector("[data-search-close]").addEventListener("click", () => this.hide());
  }

  show() {
    this.bar.hidden = false;
    this.field.focus();
    this.field.select();
    this.begin();
  }

  hide() {
    this.bar.hidden = true;
    this.addon.clearDecorations();
    this.terminal.clearSelection();
    this.terminal.focus();
  }

  press(event) {
    if (event.key === "Escape") this.hide();
    else if (event.key === "Enter" && event.target === this.field) this.find(event.shiftKey ? "Next" : "Previous");
    else return;
    event.preventDefault();
  }

  // From the newest line upwards: what is looked for has mostly just been printed.
  begin() {
    this.terminal.clearSelection();
    this.find("Previous");
  }

  find(where) {
    if (this.field.value) this.addon[`find${where}`](this.field.value, { decorations: COLOURS });
    else this.addon.clearDecorations();
    if (!this.field.value) this.count.textContent = "";
  }

  tell(index, count) {
    const { none, some } = this.bar.dataset;
    this.count.textContent = count ? some.replace("%s", index + 1).replace("%s", count) : none;
  }
}
