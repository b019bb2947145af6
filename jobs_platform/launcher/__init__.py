"""One command that runs the whole platform on this machine: `python -m jobs_platform.launcher`."""
