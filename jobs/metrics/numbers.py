"""The forms in which programs print names and numbers. Pure."""

import math
import re

NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
VALUE = rf"{NUMBER}|[-+]?(?:nan|inf(?:inity)?)"
NAME = r"[A-Za-z_][\w./@-]{0,63}"

# A number that is a part of something else, such as 12:30:05, 10ms, 1.2.3 or a bar's 45%|███, is none.
END = r"(?![\w:]|\.\w|%\|)"
PAIR = re.compile(
    rf"""(?<![\w./@-])(?:(?P<phase>train(?:ing)?|val(?:id(?:ation)?)?|test|eval(?:uation)?)[ ])?
    ["']?(?P<name>{NAME})["']?\s*[=:]\s*["']?(?:tensor\()?(?P<value>{VALUE}){END}""",
    re.VERBOSE | re.IGNORECASE,
)
# Without a sign in between only what cannot be anything else: "Loss 0.31 (0.35)".
SPACED = re.compile(
    rf"(?<![\w./@-])(?P<name>loss|acc(?:uracy)?(?:@\d)?|lr|ppl|perplexity)\s+(?P<value>{NUMBER}){END}", re.IGNORECASE
)


def number(text: str) -> float:
    """Also nan and ±inf, as they are printed. ValueError for anything else."""
    return float(text)


def is_plain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(value: float) -> bool:
    return math.isfinite(value)
