"""The REST handlers of all kinds (Kubernetes API concepts). One entry, as every kind is served alike."""

import json
from typing import Any

import msgspec
from aiohttp import web

from tests.kube import errors, partial, patches, selectors
from tests.kube.access import review
from tests.kube.deletion import Deletion
from tests.kube.discovery import Discovery
from tests.kube.eviction import evict
from tests.kube.faults import Faults
from tests.kube.lists import Lists
from tests.kube.records import Obj, Record
from tests.kube.registry import Answer, Registry
from tests.kube.request_keys import INFO, USER
from tests.kube.requests_seen import Info
from tests.kube.resources import Resource
from tests.kube.watch import Watch, read_options

SUBRESOURCES = ("", "status")


class Rest:
    def __init__(self, registry: Registry, faults: Faults, bookmark: float) -> None:
        self.registry = registry
        self.store = registry.store
        self.faults = faults
        self.bookmark = bookmark
        self.watches: set[Watch] = set()
        self.lists = Lists(self.store, faults)
        self.discovery = Discovery(registry.resources.values())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Raises ApiError."""
        info = request[INFO]
        if not info.resource:
            return self.discover(request)
        if info.resource == "selfsubjectaccessreviews" and info.verb == "create":
            return answer_json(review(request[USER], await read_body(request)), 201)
        resource = self.resource_of(info)
        if info.full_resource == "pods/eviction":
            return answer_json(evict(self.store, info, await read_body(request)), 201)
        if info.subresource not in SUBRESOURCES or info.verb not in resource.verbs:
            raise errors.method_not_allowed() if info.verb not in resource.verbs else errors.no_such_path()
        if info.verb in ("create", "update", "patch") and not info.namespace and resource.namespaced:
            raise errors.no_such_path()
        return await self.act(request, info, resource)

    async def act(self, request: web.Request, info: Info, resource: Resource) -> web.StreamResponse:
        if info.verb == "watch":
            return await self.watch(request, info, resource)
        if info.verb == "list":
            return self.list(request, info, resource)
        if info.verb == "get":
            record = self.store.record(resource.plural, *self.key(info, resource))
            is_partial = partial.wanted(request.headers.get("Accept", ""))
            return answer(partial.partial(record) if is_partial else record.raw)
        if info.verb == "create":
            return await self.create(request, info, resource)
        if info.verb == "update":
            return await self.update(request, info, resource)
        if info.verb == "patch":
            return await self.patch(request, info, resource)
        return await self.delete(request, info, resource)

    def discover(self, request: web.Request) -> web.Response:
        path = request.path.rstrip("/")
        if path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        found = self.discovery.answer(path)
        if found is None:
            raise errors.no_such_path()
        return answer_json(found)

    def resource_of(self, info: Info) -> Resource:
        found = self.registry.resources.get(info.resource)
        if found is None or (found.group, found.version) != (info.group, info.version):
            raise errors.no_such_path()
        return found

    def key(self, info: Info, resource: Resource) -> tuple[str, str]:
        return (info.namespace if resource.namespaced else "", info.name)

    def list(self, request: web.Request, info: Info, resource: Resource) -> web.Response:
        return answer(self.lists.page(info, resource, request.query, request.headers.get("Accept", "")))

    async def watch(self, request: web.Request, info: Info, resource: Resource) -> web.StreamResponse:
        query = request.query
        selector = selectors.parse(resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        options = read_options(query, selector, partial.wanted(request.headers.get("Accept", "")))
        watch = Watch(self.store, self.faults, info, resource, options, self.bookmark)
        self.watches.add(watch)
        try:
            return await watch.serve(request)
        finally:
            self.watches.discard(watch)

    def end_watches(self) -> None:
        for watch in self.watches:
            watch.end()

    async def create(self, request: web.Request, info: Info, resource: Resource) -> web.Response:
        if info.name:
            raise errors.method_not_allowed()
        body = await read_body(request)
        made = self.registry.create(
            resource,
            info.namespace,
            body,
            field_validation=request.query.get("fieldValidation", "Warn"),
            dry_run="dryRun" in request.query,
        )
        return answer_with_warnings(made, 201)

    async def update(self, request: web.Request, info: Info, resource: Resource) -> web.Response:
        return self.replace(request, info, resource, await read_body(request))

    async def patch(self, request: web.Request, info: Info, resource: Resource) -> web.Response:
        patch = await read_body(request)
        old = self.store.record(resource.plural, *self.key(info, resource)).obj()
        try:
            new = patches.apply(request.headers.get("Content-Type", ""), old, patch)
        except (KeyError, TypeError, AttributeError) as exc:
            raise errors.bad_request(f"error decoding patch: {exc}") from exc
        if new["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"] and not patch_sets_version(
            patch
        ):
            new["metadata"].pop("resourceVersion", None)
        return self.replace(request, info, resource, new)

    def replace(self, request: web.Request, info: Info, resource: Resource, obj: Obj) -> web.Response:
        namespace, name = self.key(info, resource)
        validation = request.query.get("fieldValidation", "Warn")
        done = self.registry.replace(
            resource, namespace, name, obj, subresource=info.subresource, field_validation=validation
        )
        return answer_with_warnings(done, 200)

    async def delete(self, request: web.Request, info: Info, resource: Resource) -> web.Response:
        body = await read_body(request) if request.can_read_body else {}
        deletion = read_deletion(request.query, body)
        if info.verb == "deletecollection":
            page = request.query
            selector = selectors.parse(resource, page.get("labelSelector", ""), page.get("fieldSelector", ""))
            records = self.store.select(resource.plural, info.namespace, selector)
            for record in records:
                self.registry.delete(resource, *record.key, deletion)
            return answer(self.lists.whole(resource, records))
        gone = self.registry.delete(resource, *self.key(info, resource), deletion)
        if (
            resource.namespaced and gone.record.key in self.store.tables[resource.plural].records
        ) or resource.plural == "pods":
            return answer_with_warnings(gone, 200)
        return with_warnings(answer_json(success(gone.record)), gone.warnings)


def patch_sets_version(patch: Any) -> bool:
    return isinstance(patch, dict) and "resourceVersion" in (patch.get("metadata") or {})


def read_deletion(query: Any, body: Obj) -> Deletion:
    preconditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    policy = body.get("propagationPolicy") or query.get("propagationPolicy") or ""
    if policy not in ("", "Orphan", "Background", "Foreground"):
        text = f'Unsupported value: "{policy}": supported values: "Background", "Foreground", "Orphan"'
        causes = [("propagationPolicy", "FieldValueNotSupported", text)]
        raise errors.invalid("DeleteOptions", "", "", causes)
    return Deletion(
        policy,
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        None if grace is None else int(grace),
    )


async def read_body(request: web.Request) -> Any:
    """Raises 400 for what is no JSON, 415 for protobuf."""
    content_type = request.headers.get("Content-Type", "application/json")
    if "json" not in content_type:
        message = "the body of the request was in an unknown format - accepted media types include: application/json"
        raise errors.ApiError(415, "UnsupportedMediaType", message)
    try:
        return msgspec.json.decode(await request.read())
    except msgspec.DecodeError as exc:
        raise errors.bad_request(f"couldn't get version/kind; json parse error: {exc}") from exc


def success(record: Record) -> Obj:
    details = errors.details_of(record.resource.plural, record.key[1], record.resource.group)
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**head, "details": {**details, "uid": record.uid}}


def answer(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def answer_json(obj: Any, status: int = 200) -> web.Response:
    return answer(msgspec.json.encode(obj), status)


def answer_with_warnings(done: Answer, status: int) -> web.Response:
    return with_warnings(answer(done.record.raw, status), done.warnings)


def with_warnings(response: web.Response, warnings: tuple[str, ...]) -> web.Response:
    for text in warnings:
        response.headers.add("Warning", f"299 - {json.dumps(text)}")
    return response
