"""What arrived of examples/traced.rs, read by the OpenTelemetry project's classes: check.py DIRECTORY TRACE_ID [--as-sent]

With --as-sent the requests came from the SDK itself, otherwise a collector passed them on.
"""

import json
import pathlib
import sys
import time

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

KEY = "key_of_the_receiver"
PARENT, SIGNAL = "paid.trace.parent_span", "paid.trace.signal"
HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200

METADATA = {
    "metadata.plan": "pro",
    "metadata.run.attempt": 1,
    "metadata.run.share": 0.5,
    "metadata.sources": ["web", "files"],
}


def ids(agent):
    return {"external_customer_id": "customer_1", "external_agent_id": agent}


# By role: the role of the span above ("elsewhere": it is in no request), attributes, status message.
EXPECTED = {
    (PARENT, "writer"): ("elsewhere", ids("writer") | METADATA, None),
    (SIGNAL, "sources_read"): (
        (PARENT, "writer"),
        ids("writer")
        | METADATA
        | {
            "event_name": "sources_read",
            "data": {"costData": {"vendor": "search", "cost": {"amount": 0.25, "currency": "USD"}}},
        },
        None,
    ),
    (PARENT, "reviewer"): ((PARENT, "writer"), ids("reviewer"), "ReviewError: no reviewer is free"),
    (SIGNAL, "draft_written"): (
        (PARENT, "writer"),
        ids("writer") | METADATA | {"event_name": "draft_written", "data": {"title": "Übersicht", "pages": 12}},
        None,
    ),
    (PARENT, "publisher"): ("elsewhere", ids("publisher"), None),
    (SIGNAL, "report_published"): (
        (PARENT, "publisher"),
        ids("publisher")
        | {
            "event_name": "report_published",
            "enable_cost_tracing": True,
            "data": {"paid": {"enable_cost_tracing": True}},
        },
        None,
    ),
}


def same(what, found, expected):
    """Type and value: 1, 1.0 and True are three things."""
    assert repr(found) == repr(expected), f"{what}: {found!r}, expected {expected!r}"


def value(any_value):
    kind = any_value.WhichOneof("value")
    assert kind, "a value without a type"
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    return getattr(any_value, kind)


def attributes(pairs):
    found = {pair.key: value(pair.value) for pair in pairs}
    same("attributes that are there twice", len(pairs), len(found))
    return found


def unknown_fields(message):
    """How many fields the specification does not have, at any depth."""
    count = len(UnknownFieldSet(message))
    for field, content in message.ListFields():
        if field.message_type:
            repeated = hasattr(content, "__len__")
            count += sum(unknown_fields(item) for item in (content if repeated else [content]))
    return count


def read(body, as_sent):
    request = ExportTraceServiceRequest.FromString(body)
    same("unknown fields", unknown_fields(request), 0)
    if as_sent:
        assert request.SerializeToString() == body, "written again, the request is not what was sent"
    return request


def spans(requests, as_sent):
    for request in requests:
        for resource_spans in request.resource_spans:
            same("the resource", [(p.key, value(p.value)) for p in resource_spans.resource.attributes], [("api.key", KEY)])
            for scope_spans in resource_spans.scope_spans:
                same("the scope", scope_spans.scope.name, "paid.rust")
                if as_sent:
                    assert scope_spans.scope.version
                yield from scope_spans.spans


def role(span):
    found = attributes(span.attributes)
    return span.name, found.get("event_name") or found.get("external_agent_id")


def check_span(span, trace_id, roles):
    name = role(span)
    above, expected, failure = EXPECTED[name]
    same(f"trace of {name}", span.trace_id.hex(), trace_id)
    same(f"length of the id of {name}", len(span.span_id), 8)
    same(f"length of the parent's id of {name}", len(span.parent_span_id), 8)
    same(f"parent of {name}", roles.get(span.parent_span_id, "elsewhere"), above)
    same(f"flags of {name}", span.flags, HAS_IS_REMOTE | (IS_REMOTE if above == "elsewhere" else 0))
    same(f"kind of {name}", span.kind, Span.SPAN_KIND_INTERNAL)
    assert 0 <= time.time_ns() - span.end_time_unix_nano < 300e9, f"{name} ended at {span.end_time_unix_nano}"
    assert span.start_time_unix_nano <= span.end_time_unix_nano, f"{name} ended before it began"

    found = attributes(span.attributes)
    if "data" in found:
        found["data"] = json.loads(found["data"])
    same(f"attributes of {name}", normal(found), normal(expected))

    code = Status.STATUS_CODE_ERROR if failure else Status.STATUS_CODE_OK
    same(f"status of {name}", (span.status.code, span.status.message), (code, failure or ""))
    same(f"events of {name}", len(span.events), 1 if failure else 0)
    for event in span.events:
        same("the event", event.name, "exception")
        kind, _, text = failure.partition(": ")
        found = attributes(event.attributes)
        assert found.pop("exception.type").endswith(f"::{kind}")
        same("the exception", normal(found), normal({"exception.message": text, "exception.escaped": "False"}))


def normal(found):
    """The same whatever the order of keys."""
    return json.dumps(found, sort_keys=True, ensure_ascii=False)


def wait_for(directory, patience):
    """The bodies, once they hold as many spans as are due."""
    end = time.monotonic() + patience
    while True:
        bodies = [path.read_bytes() for path in sorted(directory.glob("*.body"))]
        requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
        count = sum(len(s.spans) for r in requests for rs in r.resource_spans for s in rs.scope_spans)
        if count >= len(EXPECTED) or time.monotonic() > end:
            return bodies
        time.sleep(0.1)


def main(directory, trace_id, *options):
    directory, as_sent = pathlib.Path(directory), "--as-sent" in options
    requests = [read(body, as_sent) for body in wait_for(directory, 20)]
    received = list(spans(requests, as_sent))
    roles = {span.span_id: role(span) for span in received}
    same("spans", sorted(roles.values()), sorted(EXPECTED))
    same("ids that are there twice", len(received), len(roles))
    elsewhere = [span.parent_span_id for span in received if span.parent_span_id not in roles]
    same("parents elsewhere", len(set(elsewhere)), 2)
    for span in received:
        check_span(span, trace_id, roles)
    if as_sent:
        for path in sorted(directory.glob("*.json")):
            request = json.loads(path.read_text())
            headers = dict(request["headers"])
            same("the path", request["path"], "/v1/traces")
            same("the content type", headers.get("content-type"), "application/x-protobuf")
            assert "authorization" not in headers, "the key is in the resource, and there only"
    print(f"{len(received)} spans in {len(requests)} requests: as they should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
