"""The keyword index and the counts of jobs, both kept by database triggers: exact whoever writes the rows."""

from typing import Any

from django.db import migrations

SQLITE_UP = [
    """CREATE VIRTUAL TABLE jobs_job_search USING fts5(
        name, public_id, content='jobs_job', content_rowid='id', tokenize='trigram')""",
    """CREATE TRIGGER jobs_job_search_insert AFTER INSERT ON jobs_job BEGIN
        INSERT INTO jobs_job_search(rowid, name, public_id) VALUES (NEW.id, NEW.name, NEW.public_id); END""",
    """CREATE TRIGGER jobs_job_search_delete AFTER DELETE ON jobs_job BEGIN
        INSERT INTO jobs_job_search(jobs_job_search, rowid, name, public_id)
        VALUES ('delete', OLD.id, OLD.name, OLD.public_id); END""",
    """CREATE TRIGGER jobs_job_search_update AFTER UPDATE OF name, public_id ON jobs_job BEGIN
        INSERT INTO jobs_job_search(jobs_job_search, rowid, name, public_id)
        VALUES ('delete', OLD.id, OLD.name, OLD.public_id);
        INSERT INTO jobs_job_search(rowid, name, public_id) VALUES (NEW.id, NEW.name, NEW.public_id); END""",
    """CREATE TRIGGER jobs_count_insert AFTER INSERT ON jobs_job WHEN NEW.deleted_at IS NULL BEGIN
        INSERT INTO jobs_jobcount(project_id, status, count) VALUES (NEW.project_id, NEW.status, 1)
        ON CONFLICT (project_id, status) DO UPDATE SET count = count + 1; END""",
    """CREATE TRIGGER jobs_count_delete AFTER DELETE ON jobs_job WHEN OLD.deleted_at IS NULL BEGIN
        UPDATE jobs_jobcount SET count = count - 1 WHERE project_id = OLD.project_id AND status = OLD.status; END""",
    """CREATE TRIGGER jobs_count_update AFTER UPDATE OF status, project_id, deleted_at ON jobs_job
        WHEN OLD.status IS NOT NEW.status OR OLD.project_id IS NOT NEW.project_id
          OR (OLD.deleted_at IS NULL) IS NOT (NEW.deleted_at IS NULL) BEGIN
        UPDATE jobs_jobcount SET count = count - 1
        WHERE OLD.deleted_at IS NULL AND project_id = OLD.project_id AND status = OLD.status;
        INSERT INTO jobs_jobcount(project_id, status, count)
        SELECT NEW.project_id, NEW.status, 1 WHERE NEW.deleted_at IS NULL
        ON CONFLICT (project_id, status) DO UPDATE SET count = count + 1; END""",
]
SQLITE_DOWN = [
    *(f"DROP TRIGGER jobs_count_{name}" for name in ("update", "delete", "insert")),
    *(f"DROP TRIGGER jobs_job_search_{name}" for name in ("update", "delete", "insert")),
    "DROP TABLE jobs_job_search",
]

POSTGRESQL_UP = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX jobs_job_name_trgm ON jobs_job USING gin (upper(name) gin_trgm_ops)",
    "CREATE INDEX jobs_job_public_id_trgm ON jobs_job USING gin (upper(public_id) gin_trgm_ops)",
    """CREATE FUNCTION jobs_count_add(project bigint, state text, n bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO jobs_jobcount(project_id, status, count) VALUES (project, state, n)
        ON CONFLICT (project_id, status) DO UPDATE SET count = jobs_jobcount.count + EXCLUDED.count $$""",
    """CREATE FUNCTION jobs_count_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL THEN
            PERFORM jobs_count_add(OLD.project_id, OLD.status, -1); END IF;
        IF TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL THEN
            PERFORM jobs_count_add(NEW.project_id, NEW.status, 1); END IF;
        RETURN NULL; END $$""",
    """CREATE TRIGGER jobs_count_write AFTER INSERT OR DELETE ON jobs_job
        FOR EACH ROW EXECUTE FUNCTION jobs_count_keep()""",
    """CREATE TRIGGER jobs_count_update AFTER UPDATE OF status, project_id, deleted_at ON jobs_job FOR EACH ROW
        WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.project_id IS DISTINCT FROM NEW.project_id
          OR (OLD.deleted_at IS NULL) IS DISTINCT FROM (NEW.deleted_at IS NULL))
        EXECUTE FUNCTION jobs_count_keep()""",
]
POSTGRESQL_DOWN = [
    "DROP TRIGGER jobs_count_update ON jobs_job",
    "DROP TRIGGER jobs_count_write ON jobs_job",
    "DROP FUNCTION jobs_count_keep()",
    "DROP FUNCTION jobs_count_add(bigint, text, bigint)",
    "DROP INDEX jobs_job_public_id_trgm",
    "DROP INDEX jobs_job_name_trgm",
]


def run(schema_editor: Any, statements: dict[str, list[str]]) -> None:
    for statement in statements[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def forwards(apps: Any, schema_editor: Any) -> None:
    run(schema_editor, {"sqlite": SQLITE_UP, "postgresql": POSTGRESQL_UP})


def backwards(apps: Any, schema_editor: Any) -> None:
    run(schema_editor, {"sqlite": SQLITE_DOWN, "postgresql": POSTGRESQL_DOWN})


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
