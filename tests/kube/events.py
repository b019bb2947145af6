"""Events as the components of a cluster report them (client-go/tools/events and /record)."""

import random

from tests.kube import clock
from tests.kube.records import Obj
from tests.kube.store import Store


class Recorder:
    """A repeat of the same reason and message about the same object counts up instead of making a new event."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.names: dict[tuple[str, str, str, str], str] = {}

    def record(
        self,
        obj: Obj,
        kind: str,
        reason: str,
        message: str,
        component: str = "kubelet",
        host: str = "",
        field_path: str = "",
    ) -> None:
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        same = (metadata["uid"], reason, message, field_path)
        name = self.names.get(same)
        if name and self.store.find("events", namespace, name):
            self.store.change("events", namespace, name, count_up)
            return
        event = event_of(obj, kind, reason, message, component, host, field_path)
        event.update(firstTimestamp=clock.now(), lastTimestamp=clock.now(), count=1, eventTime=None)
        self.names[same] = self.store.create("events", event)["metadata"]["name"]

    def record_new_style(self, obj: Obj, kind: str, reason: str, message: str, component: str, action: str) -> None:
        """As of the scheduler, which writes through events.k8s.io: eventTime, and neither the old timestamps nor a
        count. A repeat has a `series`."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        same = (metadata["uid"], reason, message, "")
        name = self.names.get(same)
        if name and self.store.find("events", namespace, name):
            self.store.change("events", namespace, name, lengthen_series)
            return
        event = event_of(obj, kind, reason, message, "", "", "")
        event.update(firstTimestamp=None, lastTimestamp=None, eventTime=clock.now_micro(), action=action)
        event.update(reportingComponent=component, reportingInstance=f"{component}-control-plane")
        self.names[same] = self.store.create("events", event)["metadata"]["name"]


def event_of(obj: Obj, kind: str, reason: str, message: str, component: str, host: str, field_path: str) -> Obj:
    metadata = obj["metadata"]
    involved = {
        "kind": obj["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": obj["apiVersion"],
        "resourceVersion": metadata["resourceVersion"],
        "fieldPath": field_path,
    }
    source = {"component": component, "host": host}
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {
            "name": f"{metadata['name']}.{random.getrandbits(56):014x}",
            "namespace": metadata.get("namespace") or "default",
        },
        "involvedObject": {key: value for key, value in involved.items() if value},
        "reason": reason,
        "message": message[:1024],
        "source": {key: value for key, value in source.items() if value},
        "type": kind,
        "reportingComponent": component,
        "reportingInstance": host,
    }


def count_up(event: Obj) -> None:
    event["count"] += 1
    event["lastTimestamp"] = clock.now()


def lengthen_series(event: Obj) -> None:
    count = event.get("series", {"count": 1})["count"]
    event["series"] = {"count": count + 1, "lastObservedTime": clock.now_micro()}
