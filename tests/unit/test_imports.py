"""Checks which modules an isolate loads before its first request. Each one costs start-up time."""

import json
import os
import subprocess
import sys

import pytest

from scripts.tools import ROOT

SRC = ROOT / "src"
# What the Workers runtimes have loaded before: the modules of Pyodide, its event loop, and Cloudflare's SDK.
RUNTIMES_OWN = "asyncio, collections, contextlib, dataclasses, enum, functools, inspect, json, re, typing"
# What the core adds. The modules in C differ by Python version.
LIBRARY = {"datetime", "hashlib", "hmac", "ipaddress", "urllib", "urllib.parse", "zlib"}
IN_C = {"_blake2", "_datetime", "_hashlib", "_hmac", "_md5", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512"}
# Imported only by the first request that needs them, or by the cron trigger.
ON_DEMAND = {
    "coordination.accounts",
    "coordination.allowance",
    "coordination.call_rate",
    "coordination.cooldown_board",
    "coordination.coordinator",
    "coordination.grants",
    "coordination.isolate_grant",
    "coordination.message_json",
    "coordination.messages",
    "coordination.port",
    "coordination.storage",
    "coordination.tables",
    "pipeline.shared_client",
    "pipeline.shared_cooldowns",
    "pipeline.shared_errors",
    "pipeline.shared_limits",
    "pipeline.shared_scopes",
    "access.loopback",
    "access.key_table",
    "access.lent_key",
    "access.made_key",
    "access.own_keys",
    "access.stored_key",
    "ledger.budget_alerts",
    "ledger.record",
    "ledger.reservations",
    "faults.redact",
    "faults.upstream_message",
    "faults.times",
    "pipeline.decided_by",
    "pipeline.decode_body",
    "pipeline.loop_limit",
    "dialects.repeated_calls",
    "dialects.signed_layout",
    "dialects.tool_errors",
    "http.long_texts",
    "catalog.endpoints",
    "openapi.examples",
    "ledger.forget",
    "openapi.key_schema",
    "openapi.keys_operations",
    "openapi.keys_schema",
    "ledger.row",
    "catalog.query",
    "openapi.document",
    "catalog.claude_list",
    "catalog.codex_list",
    "catalog.similar",
    "fallback.phrases",
    "fallback.what_failed",
    "http.json_problem",
    "routes.unknown_path",
    "dialects.continued_choices",
    "dialects.assembled_choices",
    "dialects.choices_cacheable",
    "dialects.chat.repetition",
    "dialects.names",
    "dialects.responses.answer",
    "dialects.responses.assembled",
    "dialects.responses.cacheable",
    "dialects.responses.codex_errors",
    "dialects.responses.complete_items",
    "dialects.responses.dialect",
    "dialects.responses.error_events",
    "dialects.responses.errors",
    "dialects.responses.fields",
    "dialects.responses.items",
    "dialects.responses.media",
    "dialects.responses.numbers",
    "dialects.responses.open_items",
    "dialects.responses.open_parts",
    "dialects.responses.opening",
    "dialects.responses.parse",
    "dialects.responses.progress",
    "dialects.responses.repetition",
    "dialects.responses.reported_errors",
    "dialects.responses.requirements",
    "dialects.responses.signed_items",
    "dialects.responses.stream",
    "dialects.responses.usage",
    "routes.responses",
    "openapi.responses_schema",
    "dialects.messages.error_event",
    "dialects.data_requirements",
    "dialects.images.answer",
    "dialects.images.dialect",
    "dialects.images.fields",
    "dialects.images.opening",
    "dialects.images.parse",
    "dialects.images.progress",
    "dialects.images.stream",
    "dialects.speech.dialect",
    "dialects.speech.fields",
    "dialects.speech.parse",
    "routes.speech",
    "streaming.relay_bytes",
    "upstream.commit_bytes",
    "dialects.transcriptions.answer",
    "dialects.transcriptions.dialect",
    "dialects.transcriptions.fields",
    "dialects.transcriptions.parse",
    "dialects.transcriptions.parse_form",
    "http.form",
    "http.upstream_form",
    "routes.transcriptions",
    "dialects.messages.answer",
    "dialects.messages.assembled",
    "dialects.messages.assembly",
    "dialects.messages.blocks",
    "dialects.messages.cacheable",
    "dialects.messages.content",
    "dialects.messages.continued",
    "dialects.messages.dialect",
    "dialects.messages.ending",
    "dialects.messages.errors",
    "dialects.named_events",
    "dialects.messages.fields",
    "dialects.messages.headers",
    "dialects.messages.key_words",
    "dialects.messages.media",
    "dialects.messages.message_start",
    "dialects.messages.opening",
    "dialects.messages.parse",
    "dialects.messages.repetition",
    "dialects.messages.reported_errors",
    "dialects.messages.requirements",
    "dialects.messages.stream",
    "dialects.messages.text_so_far",
    "dialects.messages.usage",
    "streaming.hold",
    "streaming.watch",
    "dialects.chat.assemble",
    "dialects.merge",
    "dialects.choice_assembly",
    "dialects.meter",
    "streaming.keep_alive",
    "dialects.overlap",
    "dialects.plain_dialect",
    "dialects.shared_fields",
    "dialects.completions.text_form",
    "dialects.completions.shape",
    "dialects.completions.parse",
    "dialects.completions.requirements",
    "dialects.completions.fields",
    "dialects.completions.dialect",
    "dialects.completions.assemble",
    "dialects.completions.answer",
    "openapi.completions_schema",
    "openapi.data_schema",
    "openapi.error_schema",
    "openapi.model_operations",
    "openapi.models_schema",
    "openapi.operation_parts",
    "openapi.reading_operations",
    "openapi.receipt_schema",
    "routes.rerank",
    "routes.completions",
    "routes.embeddings",
    "dialects.rerank.parse",
    "dialects.rerank.fields",
    "dialects.rerank.dialect",
    "dialects.rerank.answer",
    "dialects.embeddings.vector",
    "dialects.embeddings.spaces",
    "dialects.embeddings.parts",
    "dialects.embeddings.parse",
    "dialects.embeddings.fields",
    "dialects.embeddings.expected",
    "dialects.embeddings.dialect",
    "dialects.embeddings.answer",
    "http.number_arrays",
    "dialects.plain_request",
    "answer_cache.part_reuse",
    "repeats.follow",
    "repeats.lead",
    "repeats.lost",
    "repeats.receipts",
    "repeats.serve",
    "repeats.shared_stream",
    "dialects.answer_parts",
    "streaming.early_stream",
    "openapi.plan_schema",
    "routing.conditional_route",
    "routing.model_names",
    "routing.resolved_names",
    "settings.conditions",
    "settings.glob",
    "openapi.messages_schema",
    "openapi.schemas",
    "ledger.settle",
    "catalog.model_list",
    "http.query_string",
    "routes.health",
    "routes.key",
    "routes.key_body",
    "routes.key_call",
    "routes.key_form",
    "routes.keys",
    "routes.lend",
    "routes.images",
    "routes.messages",
    "dialects.messages.told",
    "dialects.messages.safeguards",
    "dialects.messages.said",
    "dialects.messages.signed_thinking",
    "routes.models",
    "routes.openapi",
    "routes.openrouters_form",
    "routes.plan",
    "routes.plan_dialect",
    "routes.count_tokens",
    "catalog.task_models",
    "routes.usage",
    "ledger.usage_query",
    "openapi.usage_schema",
    "ledger.write",
}
# Imported only by `edge`, which this interpreter cannot import.
OF_THE_EDGE = {"http.content_length", "http.log_events"}
LOADED_BY = f"""
import {RUNTIMES_OWN}, json, sys
before = set(sys.modules)
import gateway.app
json.dump(sorted(set(sys.modules) - before), sys.stdout)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Return the modules that importing the application loads, in a new interpreter."""
    environ = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603  # runs this interpreter with `LOADED_BY`
        [sys.executable, "-S", "-c", LOADED_BY], env=environ, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_only_these_modules_of_the_standard_library_are_loaded(loaded: set[str]) -> None:
    library = {name for name in loaded if not name.startswith("gateway")}

    assert library - IN_C <= LIBRARY  # nothing heavy: no http.client, email, ssl, decimal, logging, uuid


def test_modules_that_no_chat_needs_are_imported_on_demand(loaded: set[str]) -> None:
    ours = {name.removeprefix("gateway.") for name in loaded if name.startswith("gateway.")}
    core = SRC / "gateway"
    paths = [path.relative_to(core).with_suffix("") for path in core.rglob("*.py") if path.stem != "__init__"]
    in_core = {".".join(path.parts) for path in paths if path.parts[0] != "edge"}

    assert in_core - ours == ON_DEMAND | OF_THE_EDGE
