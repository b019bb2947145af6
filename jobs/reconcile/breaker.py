"""When too many jobs seem lost at once, it is the view of the cluster that is wrong, not the jobs. Pure."""

SHARE = 0.20
LEAST = 10


def trips(*, lost: int, active: int) -> bool:
    """True when so many of the active jobs may not be declared lost: at least 10, and over 20 % of them."""
    return lost >= LEAST and lost > SHARE * active
