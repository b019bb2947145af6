"""The colour that stands for a job in charts: the same wherever the job is shown. Pure."""

GOLDEN_ANGLE = 137.508  # degrees: neighbours in time, which are the ones people compare, are far apart on the circle
FIRST = 250  # a blue


def colour(number: int) -> str:
    """Of the job with this row number. Legible (over 3:1) on light and dark alike."""
    return f"oklch(0.62 0.17 {(FIRST + number * GOLDEN_ANGLE) % 360:.0f})"
