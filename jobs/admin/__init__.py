"""The operators' pages: records of jobs to read, pools and queues to edit. Importing this package registers them."""

from jobs.admin import attempts, events, jobs, pools, recordings, templates, terminals

__all__ = ["attempts", "events", "jobs", "pools", "recordings", "templates", "terminals"]
