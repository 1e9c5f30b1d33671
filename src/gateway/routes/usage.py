"""``GET /v1/usage``: usage and cost of the caller's own key; for admins of any key, or of all."""

import re

from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject
from gateway.http.query_string import parameters_of
from gateway.http.responses import respond_json
from gateway.ledger.usage_query import MAX_GROUPS, Span, shown, span_of, statements_for
from gateway.memory.database import query_for_caller
from gateway.pipeline.call import Call

NO_STORE = (("cache-control", "no-store"),)
# What a spreadsheet may take for a formula: one of these signs, also in full width or after blanks and
# control characters; or a control character, which some programs remove.
_FORMULA = re.compile(r"[\s\0-\x1f\x7f]*+[=+\-@\uff1d\uff0b\uff0d\uff20]|[\0-\x1f\x7f]")
CSV_TYPE = ("content-type", "text/csv; charset=utf-8")


async def show_usage(call: Call) -> HttpResponse:
    """``GET /v1/usage?from=&to=&by=&key=&format=json|csv``: return the totals (JSON only) and the series.

    Raises:
        GatewayError: the caller has no valid key, a parameter is invalid, or the ledger does not answer.
    """
    ports, caller = call.ports, call.caller
    if caller.lent is not None:
        raise GatewayError("not_allowed", "A lent key sees no usage: it is that of the key that lent it.")
    query = parameters_of(call.request.query)
    span = span_of(query, key=caller.name, admin=caller.admin, now_s=ports.now_s())
    output_format = query.get("format", "json")
    if output_format not in ("json", "csv"):
        raise GatewayError("invalid_field", "`format` must be json or csv.", param="format")
    results = await query_for_caller(statements_for(span), ports) if ports.database.bound else None
    series = [shown(row) for row in results[1]] if results else []
    if output_format == "csv":
        return HttpResponse(
            status=200,
            headers=(CSV_TYPE, *NO_STORE, *call.frame.headers),
            body=_csv(span.by, series[:MAX_GROUPS]),
        )
    return respond_json(200, _usage_json(span, results, series, call), call.frame, NO_STORE)


def _usage_json(
    span: Span, results: list[list[JsonObject]] | None, series: list[JsonObject], call: Call
) -> JsonObject:
    rows: list[Json] = [*series[:MAX_GROUPS]]
    return {
        "object": "usage",
        "ledger": "bound" if call.ports.database.bound else "not bound: nothing is recorded",
        "from": span.first.isoformat(),
        "to": span.last.isoformat(),
        "key": span.key,
        "by": span.by,
        "totals": shown(results[0][0]) if results else None,
        "series": rows,
        "truncated": len(series) > MAX_GROUPS,
        "lost_writes": call.memory.lost_writes.count,
    }


def _csv(by: str, series: list[JsonObject]) -> bytes:
    """Return the series as CSV. Source: RFC 4180."""
    columns = [name for name in series[0] if name != "name"] if series else []
    lines = [",".join([by, *columns])]
    lines += [",".join(_cell(row[name]) for name in ("name", *columns)) for row in series]
    return ("\r\n".join(lines) + "\r\n").encode()


def _cell(value: Json) -> str:
    """Return one CSV cell. Text is quoted, and escaped so that no spreadsheet runs it as a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    safe = f"'{value}" if _FORMULA.match(value) else value
    return '"' + safe.replace('"', '""') + '"'
