"""``GET /v1/models``, one model, and a model's endpoints: the routes that show the catalogue."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote
from zlib import crc32

from gateway.catalog.endpoints import endpoints_of
from gateway.catalog.model_list import ModelList, list_body
from gateway.catalog.query import PARAMETERS, read_query
from gateway.catalog.refresh import checked_catalog, refresh_in_background
from gateway.catalog.task_models import shown_tasks
from gateway.faults.fault import Fault, error_of
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import to_json_bytes
from gateway.http.query_string import parameters_of
from gateway.http.responses import JSON_TYPE
from gateway.memory.catalog import Catalog
from gateway.pipeline.call import OPENROUTERS_PREFIX, Call
from gateway.routing.model_names import resolve
from gateway.settings.caller import Caller
from gateway.settings.keys import allows
from gateway.settings.task_names import task_of, without_context

# Source: OpenRouter "List available models": OpenRouter's list may itself be cached for two minutes.
LIST_MAX_AGE_S = 60
ENDPOINTS_MAX_AGE_S = 10
# How many ETags of `if-none-match` are compared; a client sends one.
MAX_TAGS = 20
NOT_LISTED = "OpenRouter lists no such model."
NO_PATH = (
    "There is nothing at this path. Use /v1/models, or /v1/models/{author}/{slug}, also with /endpoints."
)
# How many models an error lists.
MAX_LISTED = 10
# Every request to Anthropic's API has this header. The cursors count in Anthropic's form only.
CLAUDE_HEADER = "anthropic-version"
CURSORS = ("after_id", "before_id")
# The parameter of the query with which Codex asks. Source: Codex CLI 0.171, as observed.
CODEX_PARAMETER = "client_version"
# The model's id becomes part of an upstream path, so no segment may begin with a dot. The author may be
# missing, see ``_id_of``.
_MODEL_ID = re.compile(r"(~?[\w-][\w.-]{0,127}+/)?(?!endpoints\Z)[\w-][\w.:-]{0,127}+", re.ASCII)
_MODEL_PATH = re.compile(rf"/v1/models?/(?P<id>{_MODEL_ID.pattern})(?P<endpoints>/endpoints)?", re.ASCII)


async def show_models(call: Call) -> HttpResponse:
    """``GET /v1/models``: the models in OpenAI's list format, filtered and sorted by the query.

    Claude Code and Anthropic's SDKs get the models that Claude Code shows, see ``catalog.claude_list``. Codex
    gets a second list in the same body, see ``catalog.codex_list``.

    Raises:
        GatewayError: the query is invalid, or there is no model list.
    """
    caller = call.caller
    catalog = await _catalog(call)
    model_list, allowed = _model_list(call, catalog), (caller.models, caller.limits.models)
    known = (*PARAMETERS, *CURSORS, CODEX_PARAMETER)
    query = parameters_of(call.request.query, known=known, ignore_unknown=True)
    client = query.pop(CODEX_PARAMETER, None)
    page = {name: query.pop(name) for name in CURSORS if name in query}
    selection = read_query(query)
    if any(each is not None for each in allowed):  # a key that is limited to some models sees only those
        own = (lambda model: allows(caller, str(model["id"])),)
        selection = replace(selection, tests=(*selection.tests, *own))
    # The forms of the list for single clients begin here. All of them are at this path.
    if _is_for_claude(call):
        from gateway.catalog.claude_list import claude_body, read_page  # noqa: PLC0415  # few clients ask for it

        body = claude_body(model_list, selection, read_page(query.get("limit"), **page))
        etag = f'"{model_list.tag(f"{CLAUDE_HEADER} {call.request.query} {allowed}")}"'
        return _respond(call, catalog, etag, lambda: body)
    etag = f'"{model_list.tag(f"{call.request.query} {allowed}")}"'
    if client is not None:
        from gateway.catalog.codex_list import codex_body  # noqa: PLC0415  # few clients ask for it

        return _respond(call, catalog, etag, lambda: codex_body(model_list, selection))
    return _respond(call, catalog, etag, lambda: list_body(*model_list.select(selection)))


def _is_for_claude(call: Call) -> bool:
    """Return whether Claude Code or an SDK of Anthropic's asks."""
    return call.request.header(CLAUDE_HEADER) is not None


async def show_model(call: Call) -> HttpResponse:
    """``GET /v1/models/{author}/{slug}``: one model; with ``/endpoints`` its current endpoints.

    Without the author it is found as in a request (``routing.model_names``), or the slug must be that of one
    model only.

    Raises:
        GatewayError: the caller has no valid key, there is no such model, or OpenRouter does not answer.
    """
    # OpenAI's clients percent-encode the slash in a model's id.
    match = _MODEL_PATH.fullmatch(without_context(unquote(call.request.path.removeprefix("/api"))))
    if match is None:
        raise GatewayError("not_found", NO_PATH)
    model_id, wants_endpoints = match["id"], match["endpoints"]
    task = task_of(model_id)
    if task and not wants_endpoints:
        model_id = task
    elif wants_endpoints and "/" in model_id:
        return await _endpoints(call, model_id)
    catalog = await _catalog(call)
    if "/" not in model_id:
        model_id = _id_of(model_id, catalog, call.caller)
    if wants_endpoints:
        return await _endpoints(call, model_id)
    model = _model_list(call, catalog).find(model_id)
    if model is None or not allows(call.caller, model_id, str(model["id"])):
        raise _not_listed(model_id, catalog, call.caller)
    if task or _is_for_claude(call):
        from gateway.catalog.claude_list import as_claudes  # noqa: PLC0415  # few clients ask for this form

        model = as_claudes(model)
    is_openrouters = match.string.startswith(OPENROUTERS_PREFIX)
    body = to_json_bytes({"data": model} if is_openrouters else model)
    return _respond(call, catalog, f'"{crc32(body):08x}"', lambda: body)


def _id_of(slug: str, catalog: Catalog, caller: Caller) -> str:
    """Return the id of the model of this name that the caller may use.

    Raises:
        GatewayError: there is none, or there are several.
    """
    found = resolve(slug, catalog)
    named = catalog.ids_of(slug) if found == slug else (found,)
    ids = [each for each in named if allows(caller, each) and _MODEL_ID.fullmatch(each)]
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise _not_listed(slug, catalog, caller)
    listed = ", ".join(ids[:MAX_LISTED])
    raise GatewayError("not_found", f"Several models have this name. Send one with its author: {listed}.")


def _not_listed(name: str, catalog: Catalog, caller: Caller) -> GatewayError:
    """Return the error for a model that is not listed; it names similar ones that the caller may use."""
    from gateway.catalog.similar import did_you_mean, similar_ids  # noqa: PLC0415  # few models are not found

    similar = similar_ids(name, catalog, lambda model: allows(caller, model))
    question = did_you_mean(similar)
    return GatewayError("not_found", f"{NOT_LISTED} {question}" if question else NOT_LISTED)


def _model_list(call: Call, catalog: Catalog) -> ModelList:
    return ModelList(catalog, shown_tasks(call.settings.task_routes.values()))


async def _catalog(call: Call) -> Catalog:
    catalog = await checked_catalog(
        call.settings.upstream, call.ports, call.memory.catalog, ttl_s=call.settings.catalog_ttl_s
    )
    if catalog is None:
        raise error_of(Fault(code="openrouter_error", status=503))
    return catalog


def _respond(call: Call, catalog: Catalog, etag: str, make_body: Callable[[], bytes]) -> HttpResponse:
    """Return the body, or a 304 if the client has it. A stale catalogue is refreshed in the background."""
    settings, ports = call.settings, call.ports
    age_s = catalog.age_s(ports.now_s())
    headers = (
        ("etag", etag),
        ("cache-control", f"private, max-age={int(age_s) + LIST_MAX_AGE_S}"),
        ("age", str(int(age_s))),
        ("vary", CLAUDE_HEADER),
        *call.frame.headers,
    )
    refresh_in_background(
        catalog, settings.upstream, ports, call.memory.catalog, ttl_s=settings.catalog_ttl_s
    )
    if _client_has(call.request.header("if-none-match"), etag):
        return HttpResponse(status=304, headers=headers, body=b"")
    return HttpResponse(status=200, headers=(JSON_TYPE, *headers), body=make_body())


def _client_has(if_none_match: str | None, etag: str) -> bool:
    """Return whether ``If-None-Match`` has the ETag. A weak one matches: compressing proxies weaken ETags.

    Source: RFC 9110, 13.1.2.
    """
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",", MAX_TAGS)]
    return etag in tags or "*" in tags


async def _endpoints(call: Call, model_id: str) -> HttpResponse:
    """Return a model's current endpoints. They change fast, so they are cached for seconds only."""
    upstream, ports = call.settings.upstream_for(call.caller), call.ports
    try:
        endpoints = await endpoints_of(
            model_id, upstream, ports, call.memory.endpoints, max_age_s=ENDPOINTS_MAX_AGE_S
        )
    except GatewayError as error:
        catalog = call.memory.catalog.catalog
        if error.code == "not_found" and catalog is not None:
            raise _not_listed(model_id, catalog, call.caller) from None
        raise
    headers = (
        JSON_TYPE,
        ("cache-control", f"private, max-age={ENDPOINTS_MAX_AGE_S}"),
        ("age", str(int(max(0.0, ports.now_s() - endpoints.fetched_at_s)))),
        *call.frame.headers,
    )
    return HttpResponse(status=200, headers=headers, body=endpoints.body)
