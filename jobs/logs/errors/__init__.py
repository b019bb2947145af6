"""The line that explains why a training failed.

rules.py    what one line says: kind of error, and whether it is a cause or follows from one. Pure
groups.py   which line of one replica's, and then of all replicas', explains the failure. Pure
find.py     the same for logs in the store, reading a bounded part of each
"""
