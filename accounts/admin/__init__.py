"""The operators' pages for people and their keys. Importing this package registers them."""

from accounts.admin import logins, projects, tokens, users

__all__ = ["logins", "projects", "tokens", "users"]
