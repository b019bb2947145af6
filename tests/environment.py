"""The environment of the tests, set before Django reads its settings (a pytest plugin: see pyproject.toml)."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="jobs-platform-tests-"))
os.environ.setdefault("LOCAL_POOL_ENABLED", "1")
