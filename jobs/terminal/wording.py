"""What people read when a terminal ends, or is about to."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.terminal.protocol import Ending
from jobs.terminal.viewer import Farewell

ENDINGS: dict[Ending, str | Promise] = {
    Ending.EXITED: _("The shell has ended."),
    Ending.CLIENT_LEFT: _("The connection was lost."),
    Ending.FAILED: _("The terminal was closed by an error on the server, which is in its log. Open a new one."),
    Ending.RESTARTING: _("The server is restarting. Open a new terminal in a few seconds."),
    Ending.PROTOCOL: _("The client sent too many messages that the server does not understand. Reload the page."),
    Ending.TICKET_INVALID: _(
        "The address of this terminal was used before, or is older than a minute. Open a new one."
    ),
    Ending.NOT_ALLOWED: _(
        "You may not use this terminal: you were logged out, your password was changed, or your role in the project "
        "does not allow it any more. Log in again, or ask an admin of the project."
    ),
    Ending.WRONG_ORIGIN: _("Another site's page asked for this terminal. Open it from this site."),
    Ending.POD_GONE: _("The training job was deleted, or its pod was replaced by another one."),
    Ending.IDLE: _("Nothing was typed for %(minutes)d minutes, so the terminal was closed. Open a new one."),
    Ending.TOO_MANY: _("You have %(count)d terminals open already, which is the limit. Close one of them first."),
    Ending.POD_ENDED: _("The pod has ended, and with it this terminal. Its log is kept."),
    Ending.TIME_LIMIT: _("The terminal was open for %(minutes)d minutes, which is the limit. Open a new one."),
    Ending.UNAVAILABLE: _(
        "The shell could not be started, because the resource pool cannot be reached. Try again shortly."
    ),
    Ending.TAKEN_OVER: _("You have connected to this terminal from elsewhere, and it goes on there."),
    Ending.KILLED: _("An operator, or an admin of the project, has ended this terminal."),
    Ending.DETACHED: _("Nobody came back to this terminal in time, so it was closed. Open a new one."),
    Ending.ENDED: _("The terminal's owner has ended it."),
    Ending.SESSION_GONE: _("The terminal to come back to has ended meanwhile. Open a new one."),
    Ending.NOT_WATCHABLE: _("The terminal's owner does not allow anybody to watch it now."),
    Ending.NOT_RECORDED: _(
        "Terminals of this project must be recorded, and this one could not be, or no further: the recording's limit "
        "is met or the disk is full. Open a new terminal; if that fails too, tell an operator."
    ),
}
# The session goes on without this connection.
STILL_OPEN: dict[Ending, str | Promise] = {
    Ending.RESTARTING: _("The server is restarting. Come back to this terminal in a few seconds."),
    Ending.UNAVAILABLE: _("The server that has this terminal cannot be reached right now. Try again shortly."),
    Ending.FAILED: _("The connection was closed by an error on the server, which is in its log. Connect again."),
}
WARNINGS: dict[Ending, str | Promise] = {
    Ending.IDLE: _(
        "Nothing was typed for a while: the terminal will be closed in %(seconds)d seconds. Press any key to stay."
    ),
    Ending.TIME_LIMIT: _(
        "The terminal will be closed in %(seconds)d seconds, because it reaches its limit of %(minutes)d minutes."
    ),
}


def ending(farewell: Farewell) -> str | Promise:
    reason = farewell.outcome.ending
    return STILL_OPEN.get(reason, ENDINGS[reason]) if farewell.session_open else ENDINGS[reason]
