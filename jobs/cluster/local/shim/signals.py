"""The C half of the module `signal`, whose other half imports `enum` and takes half as long as all of the shim."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

__all__ = ["signal"]
