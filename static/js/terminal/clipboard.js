// Copy and paste with Ctrl+Shift+C and Ctrl+Shift+V, as in other terminals, and with buttons.

// Over plain HTTP there is no clipboard but the browser's own commands: copying then goes by the terminal's selection, and
// pasting is left to the browser.
const clipboard = () => (isSecureContext ? navigator.clipboard : undefined);

export class Clipboard {
  constructor(terminal, copyButton, pasteButton) {
    this.terminal = terminal;
    terminal.onSelectionChange(() => { copyButton.disabled = !terminal.hasSelection(); });
    copyButton.addEventListener("click", () => this.copy());
    pasteButton.hidden = !clipboard()?.readText;
    pasteButton.addEventListener("click", () => this.paste());
  }

  // Whether the key was one of these.
  press(event) {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return false;
    if (event.code === "KeyC") {
      event.preventDefault(); // the browser's own tools
      this.copy();
      return true;
    }
    return event.code === "KeyV"; // what the browser pastes, the terminal takes
  }

  async copy() {
    this.terminal.focus();
    if (!this.terminal.hasSelection()) return;
    if (clipboard()) await clipboard().writeText(this.terminal.getSelection());
    else document.execCommand("copy");
  }

  async paste() {
    this.terminal.focus();
    try {
      this.terminal.paste(await clipboard().readText());
    } catch {
      // The reader said no to the browser's question.
    }
  }
}
