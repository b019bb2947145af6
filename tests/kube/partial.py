"""Objects as their metadata alone (meta.k8s.io/v1 PartialObjectMetadata), for clients that ask for it in Accept."""

from collections.abc import Iterable

import msgspec

from tests.kube.records import Change, ChangeType, Record

HEAD = b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":'


class OnlyMetadata(msgspec.Struct):
    metadata: msgspec.Raw


DECODER = msgspec.json.Decoder(OnlyMetadata)


def wanted(accept: str) -> bool:
    return "as=PartialObjectMetadata" in accept and "g=meta.k8s.io" in accept


def partial(record: Record) -> bytes:
    return HEAD + bytes(DECODER.decode(record.body).metadata) + b"}"


def partial_line(change: Change, kind: ChangeType) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), partial(change.record))


def partials(records: Iterable[Record]) -> list[bytes]:
    return [partial(record) for record in records]
