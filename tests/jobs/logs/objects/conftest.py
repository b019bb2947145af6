from pathlib import Path

import pytest

from jobs.identifiers import new_job_id
from jobs.logs.format import pod_dir
from tests.object_storage import away, bucket, configured, s3_server, where

__all__ = ["away", "bucket", "configured", "directory", "s3_server", "where"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Of one pod's log."""
    path = pod_dir(tmp_path / "logs", new_job_id(), 1, 0)
    path.mkdir(parents=True)
    return path
