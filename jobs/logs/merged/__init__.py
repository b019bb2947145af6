"""The logs of all replicas of an attempt as one, merged by time. Pure but for the files it reads.

    cursor.py    where a reader of all of them goes on: an offset for each replica, in one opaque word
    lines.py     one line of one replica, and its forms
    logs.py      the logs that are open at one time: a few, however many replicas there are
    source.py    one replica's lines, forwards
    back.py      one replica's lines from the last one on
    spans.py     what is asked for of each replica
    merge.py     the lines of all of them in one order, forwards and backwards
    page.py      one answer
    follow.py    what was written since a cursor, and then what is being written

Within a replica the order is always the log's own. Between replicas it is that of the lines' times, then of the
replicas' numbers. Attempts come one after the other.
"""
