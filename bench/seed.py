"""Fills an instance's SQLite database with finished jobs, a million in seconds: one INSERT … SELECT with the triggers
set aside, then the keyword index and the counts are rebuilt as the triggers would have left them."""

import sqlite3
from contextlib import closing
from pathlib import Path

RARE = "zebrafinch"

ROWS = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
INSERT INTO jobs_job (
    id, public_id, name, project_id, owner_id, pool_id, queue_id, config, secret_envs, labels, priority, replicas,
    cpu_millis, memory_bytes, gpus, desired, status, status_reason, status_params, version, attempt_number,
    created_at, started_at, finished_at, request_hash, hints, lease_token, failures, last_error)
SELECT i, 'job-' || printf('%016d', i),
    CASE WHEN i % 100000 = 500 THEN :rare || ' ' || i
         ELSE 'resnet' || (i % 50) || ' learning rate 0.' || (i % 997) || ' run ' || i END,
    :project, :owner, :pool, :queue, :config, '', '{}', 50, 1,
    1000, 1073741824, 0, 'run',
    CASE i % 5 WHEN 3 THEN 'Failed' WHEN 4 THEN 'Stopped' ELSE 'Succeeded' END,
    CASE i % 5 WHEN 3 THEN 'CommandFailed' WHEN 4 THEN 'StoppedByUser' ELSE 'Completed' END, '{}', 4, 1,
    datetime('2025-01-01', (i * 7) || ' seconds'), datetime('2025-01-01', (i * 7 + 3) || ' seconds'),
    datetime('2025-01-01', (i * 7 + 900) || ' seconds'), '', 0, '', 0, ''
FROM n
"""
CONFIG = """{"jobName": "seed", "image": "registry/image:tag", "command": ["python", "train.py", "--epochs", "90"],
"priority": "normal", "replicas": 1, "resources": {"cpu": "1", "memory": "1Gi"}}"""
COUNTS = """
INSERT INTO jobs_jobcount (project_id, status, count)
SELECT project_id, status, count(*) FROM jobs_job WHERE deleted_at IS NULL GROUP BY project_id, status
"""
MATCH = f"SELECT rowid FROM jobs_job_search WHERE jobs_job_search MATCH '\"{RARE}\"'"
COLUMNS = "id, public_id, name, status, priority, replicas, created_at, started_at, finished_at"
# What each call asks of the database, as plainly as it can be asked.
BY_HAND = {
    "list, first page of 10": (
        "SELECT sum(count) FROM jobs_jobcount",
        f"SELECT {COLUMNS} FROM jobs_job WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 10",
    ),
    "detail": (f"SELECT {COLUMNS}, config FROM jobs_job WHERE id = 500",),
    "rare keyword": (
        f"SELECT count(*) FROM jobs_job WHERE id IN ({MATCH}) AND deleted_at IS NULL",
        f"SELECT {COLUMNS} FROM jobs_job WHERE id IN ({MATCH}) AND deleted_at IS NULL ORDER BY id DESC LIMIT 10",
    ),
    "create": (
        "BEGIN IMMEDIATE",
        """INSERT INTO jobs_auditentry (at, actor_name, action, object_id, project_slug, address, request_id, detail)
        VALUES (datetime('now'), 'bench', 'bench', '', '', '', '', '{}')""",
        "COMMIT",
    ),
}


def drain(database: Path) -> None:
    """Let the pools start nothing."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs_resourcepool SET draining = 1")


def seed(database: Path, rows: int) -> None:
    """Bring the instance to `rows` jobs in all. It must not be running, and have a project, a pool and a queue."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        have: int = connection.execute("SELECT coalesce(max(id), 0) FROM jobs_job").fetchone()[0]
        if have < rows:
            insert(connection, have + 1, rows)


def insert(connection: sqlite3.Connection, first: int, last: int) -> None:
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'jobs_job'"
    ).fetchall()
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN IMMEDIATE")
    for name, _sql in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(ROWS, {"first": first, "last": last, "rare": RARE, "config": CONFIG, **owners(connection)})
    connection.execute("INSERT INTO jobs_job_search(jobs_job_search) VALUES ('rebuild')")
    connection.execute("DELETE FROM jobs_jobcount")
    connection.execute(COUNTS)
    for _name, sql in triggers:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def owners(connection: sqlite3.Connection) -> dict[str, int]:
    queries = {
        "project": "SELECT id FROM accounts_project ORDER BY slug <> 'default', id LIMIT 1",
        "owner": "SELECT id FROM accounts_user ORDER BY id LIMIT 1",
        "pool": "SELECT id FROM jobs_resourcepool ORDER BY is_default DESC, id LIMIT 1",
        "queue": "SELECT id FROM jobs_queue ORDER BY is_default DESC, id LIMIT 1",
    }
    return {name: connection.execute(query).fetchone()[0] for name, query in queries.items()}
