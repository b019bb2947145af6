"""When too many jobs seem lost at once, it is the view of the cluster that is wrong, not the jobs. Pure."""

SHARE = 0.20
LEAST = 10


def trips(*, lost: int, active: int) -> bool:
    """True when this many jobs may not be declared lost in one pass: at least 10, and over 20 % of the active ones."""
    return lost >= LEAST and lost > SHARE * active
