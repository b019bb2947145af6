"""Somebody else's words, made fit to be kept and shown inside ours. Pure."""

import unicodedata

LONGEST = 300
READ = 4000  # characters of a message that are looked at: patterns stay quick on any text


def excerpt(text: str, longest: int = LONGEST) -> str:
    """One line of at most so many characters, an ellipsis where it was cut: without control characters, and without
    what no database stores (NUL, halves of surrogate pairs)."""
    text = text[: 8 * longest]
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
