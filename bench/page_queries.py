"""What each page asks of the database: python -m bench.page_queries PATH… with the instance's DATA_DIR. Prints JSON:
the cookie of a session of the first superuser, and of each path the status and the number of queries, once what a
process reads only once is read. Started by bench.served."""

import json
import os
import sys

import django

from jobs_platform.launcher import environment


def main() -> None:
    environment.prepare()
    os.environ["DJANGO_SETTINGS_MODULE"] = "jobs_platform.settings"
    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import User

    client = Client(SERVER_NAME="127.0.0.1", HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(User.objects.filter(is_superuser=True)[0], backend="django.contrib.auth.backends.ModelBackend")
    pages = {}
    for path in sys.argv[1:]:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            status = client.get(path).status_code
        pages[path] = [status, len(captured)]
    name = settings.SESSION_COOKIE_NAME
    print(json.dumps({"cookie": f"{name}={client.cookies[name].value}", "pages": pages}))


if __name__ == "__main__":
    main()
