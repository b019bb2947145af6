"""`manage.py add_pool NAME`: a Kubernetes pool with its default queue."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from jobs import pools
from jobs.models import ResourcePool


class Command(BaseCommand):
    help = "Adds a Kubernetes pool and its default queue. Credentials stay in KUBECONFIG_DIR. It is audited."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the pool's id, resourcePoolId in the API")
        parser.add_argument("--kind", choices=[ResourcePool.KUBERNETES], default=ResourcePool.KUBERNETES)
        parser.add_argument("--display-name", default="", help="shown instead of the id")
        parser.add_argument("--kubeconfig", default="", help="file in KUBECONFIG_DIR; without it the pod's own account")
        parser.add_argument("--context", default="", help="of the kubeconfig; without it the current one")
        parser.add_argument("--namespace", default="", help="where jobs run; without it the context's")
        parser.add_argument("--default", action="store_true", help="for jobs that name no pool")
        parser.add_argument(
            "--option",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help='such as gpuResource=nvidia.com/gpu or nodeSelector={"pool":"gpu"}; see docs/kubernetes.md',
        )

    def handle(self, *args: Any, name: str, **given: Any) -> str:
        with translation.override("en"):
            try:
                pool = ResourcePool(
                    name=name,
                    kind=given["kind"],
                    display_name=given["display_name"],
                    is_default=given["default"],
                    options=options(given),
                )
                pools.add(pool)
            except ValidationError as exc:
                raise CommandError("\n".join(reasons(exc))) from exc
        return f"Added pool {name}, with a queue. Next: manage.py check_pool {name}"


def options(given: dict[str, Any]) -> dict[str, Any]:
    """Those with an argument of their own, and the others. A kubeconfig may be given with the path of its directory."""
    named = {name: given[name] for name in ("kubeconfig", "context", "namespace") if given[name]}
    named["kubeconfig"] = str(named.get("kubeconfig", "")).removeprefix(f"{settings.KUBECONFIG_DIR}/")
    return dict(map(pools.option, given["option"])) | {name: value for name, value in named.items() if value}


def reasons(exc: ValidationError) -> list[str]:
    """With the field's name where it is about one."""
    if not hasattr(exc, "error_dict"):
        return exc.messages
    return [f"{field}: {text}" for field, texts in exc.message_dict.items() for text in texts]
