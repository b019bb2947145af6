"""What can go wrong with a cluster. An implementation's own errors never leave it.

ClusterError
├── Unavailable   no answer, or one that says "later": the call may have taken effect
├── NotFound
├── Conflict      the name is taken by an object that is not this attempt
├── Forbidden
└── Invalid       the cluster refuses this for good, message says why
"""


class ClusterError(Exception):
    """The message is the cluster's own words."""


class Unavailable(ClusterError):
    pass


class NotFound(ClusterError):
    pass


class Conflict(ClusterError):
    pass


class Forbidden(ClusterError):
    pass


class Invalid(ClusterError):
    pass
