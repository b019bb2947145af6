"""The two scripts that run in a pod: one becomes the shell, the other ends what a shell left.

Both are constant: whatever differs is a positional parameter, and no shell ever reads it as text. They use nothing but
what POSIX asks of /bin/sh, because an image may have nothing else.
"""

from collections.abc import Mapping, Sequence

from jobs.cluster.base import EXEC_MARK

TERM = "xterm-256color"
# $1 is how many variables follow as NAME=VALUE; what follows them is the command, or nothing for the usual shell.
ENTER = """
count=$1; shift
while [ "$count" -gt 0 ]; do export "$1"; shift; count=$((count - 1)); done
export "LANG=${LANG:-C.UTF-8}"
[ "$#" -gt 0 ] && exec "$@"
[ -x /bin/bash ] && exec /bin/bash
exec /bin/sh
"""
# "$@" are marks. A process belongs to a shell when its environment carries the mark. `read` leaves out the zero bytes
# between the variables. Hung up and asked to end first, killed after half a second; answers how many there were, and
# fails when some do not die. Two looks in a row must find nobody: a process may fork behind one look's back.
END = """
holds() {
    while IFS= read -r line || [ -n "$line" ]; do
        for mark; do
            case $line in *"$mark"*) return 0 ;; esac
        done
        line=
    done
    return 1
}
seen=0 quiet=0 round=0
while [ "$quiet" -lt 2 ]; do
    found= count=0
    for directory in /proc/[0-9]*; do
        pid=${directory#/proc/}
        [ "$pid" = "$$" ] && continue
        [ -r "$directory/environ" ] || continue
        if { holds "$@" <"$directory/environ"; } 2>/dev/null; then
            found="$found $pid"; count=$((count + 1))
        fi
    done
    if [ -z "$found" ]; then
        quiet=$((quiet + 1)); continue
    fi
    quiet=0 round=$((round + 1))
    [ "$count" -gt "$seen" ] && seen=$count
    [ "$round" -gt 40 ] && { echo "$seen"; exit 1; }
    if [ "$round" -le 3 ]; then
        kill -HUP $found 2>/dev/null; kill -TERM $found 2>/dev/null; kill -CONT $found 2>/dev/null
    else
        kill -KILL $found 2>/dev/null
    fi
    sleep 0.2 2>/dev/null || sleep 1
done
echo "$seen"
"""


def enter(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    variables = [f"{name}={value}" for name, value in {"TERM": TERM, **env}.items()]
    return ["/bin/sh", "-c", ENTER, "sh", str(len(variables)), *variables, *command]


def end(marks: Sequence[str]) -> list[str]:
    """For marks as they stand after EXEC_MARK: none may be the beginning of another."""
    return ["/bin/sh", "-c", END, "sh", *(f"{EXEC_MARK}={mark}" for mark in marks)]
