"""Complete lists of labelled objects, page after page. An object that cannot be read stops none of the others.

A list is complete or it is an error: every page is a 200 with `items`, up to one without a continue token. A token that
expired on the way (410) is an error too: the next list starts from the beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import JSON, METADATA_LIST, Client, Query

PAGE = 1000
MOST_PAGES = 1000
T = TypeVar("T")
Shape = type[wire.List[Any]] | type[wire.MetadataList[Any]]


@dataclass(slots=True)
class Listing(Generic[T]):
    """`broken` is the metadata of those that are not what they should be."""

    items: list[T] = field(default_factory=list)
    broken: list[wire.Meta] = field(default_factory=list)


def listed(
    client: Client, kind: tuple[str, str], of: type[T], selector: str, *, accept: str = JSON, query: Query = ()
) -> Listing[T]:
    found: Listing[T] = Listing()
    shape = wire.MetadataList if accept == METADATA_LIST else wire.List
    fixed: Sequence[tuple[str, str]] = [("labelSelector", selector), ("limit", str(PAGE)), *query]
    token = ""
    for _page in range(MOST_PAGES):
        body = client.get(kind, query=[*fixed, ("continue", token)] if token else fixed, accept=accept)
        token = take(body, shape, of, found)
        if not token:
            return found
    raise Unavailable(f"a list of {kind[1]} that does not end")


def take(body: bytes, shape: Shape, of: type[T], found: Listing[T]) -> str:
    """Adds a page's objects; answers the token for the next page, empty for the last."""
    try:
        page = wire.decode(body, shape[of])  # type: ignore[index]
    except Unavailable:
        return take_one_by_one(body, shape, of, found)
    found.items += page.items or ()
    return str(page.metadata.next)


def take_one_by_one(body: bytes, shape: Shape, of: type[T], found: Listing[T]) -> str:
    page = wire.decode(body, shape[msgspec.Raw])  # type: ignore[index]
    for raw in page.items or ():
        try:
            found.items.append(wire.decode(raw, of))
        except Unavailable:
            found.broken.append(wire.decode(raw, wire.Object).metadata)
    return str(page.metadata.next)
