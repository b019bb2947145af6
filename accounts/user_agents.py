"""What a browser calls itself, in words: `Firefox · Linux`. Pure, and only to be told apart by its owner."""

# The first that is found: later ones are also in the names of earlier ones.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iPadOS",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
LONGEST = 60


def in_words(agent: str) -> str:
    """The text itself, cut short, where nothing in it is known."""
    found = [next((word for mark, word in table.items() if mark in agent), "") for table in (BROWSERS, SYSTEMS)]
    return " · ".join(word for word in found if word) or agent[:LONGEST]
