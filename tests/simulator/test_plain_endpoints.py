"""What embeddings, rerank, images, speech and transcriptions have in common."""

import pytest

from simulator.behaviours import AUTHOR, behaviours
from simulator.row import Behaviour
from simulator.scope import has_meaning
from simulator.server import DIALECTS
from tests.simulator.rig import KEY, NEEDED, Rig, fresh_user

PLAIN = [dialect for dialect in DIALECTS if dialect.output != "text"]
PATHS = [dialect.path for dialect in PLAIN]
ONE_OF_EACH = {
    "/embeddings": "openai/text-embedding-3-small",
    "/rerank": "cohere/rerank-v3.5",
    "/images": "openai/gpt-image-1",
    "/audio/speech": "openai/gpt-4o-mini-tts-2025-12-15",
    "/audio/transcriptions": "openai/whisper-large-v3",
}
HEALTHY = [row for row in behaviours().values() if row.group == "healthy"]


@pytest.mark.parametrize("model", ["sim/ok", "listed"])
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_costs_what_journal_bill_and_generation_say(sim: Rig, path: str, model: str) -> None:
    user, before = fresh_user(), sim.get("/sim/bill")
    answer = sim.ask(path, ONE_OF_EACH[path] if model == "listed" else model, user)
    entry = sim.one(user)
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert (answer.status_code, entry["outcome"], entry["stream"]) == (200, "answered", False)
    assert 0 < generation["total_cost"] == entry["cost_usd"]
    assert sim.get("/sim/bill")["cost_nano_usd"] - before["cost_nano_usd"] == round(entry["cost_usd"] * 1e9)
    if answer.headers["content-type"] == "application/json":
        assert answer.json()["usage"]["cost"] == entry["cost_usd"]


@pytest.mark.parametrize("dialect", PLAIN, ids=lambda dialect: dialect.path)
@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_healthy_model_answers_or_has_no_meaning(sim: Rig, dialect: object, row: Behaviour) -> None:
    (found,) = [each for each in PLAIN if each is dialect]
    answer = sim.ask(found.path, AUTHOR + row.example_name)
    expected = 200 if has_meaning(row, found) else 400
    assert answer.status_code == expected
    if expected == 400:
        words = f"{AUTHOR}{row.example_name} has no meaning at {found.path}"
        assert answer.json()["error"] == {"message": words, "code": 400}


@pytest.mark.parametrize("path", PATHS)
def test_a_status_has_openrouters_words_and_envelope(sim: Rig, path: str) -> None:
    limited = sim.ask(path, "sim/retry-after-9")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "9")
    for status in (400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 524, 529):
        answer = sim.ask(path, f"sim/status-{status}")
        assert answer.status_code == answer.json()["error"]["code"] == status
        assert answer.json() == sim.chat(f"sim/status-{status}").json()


@pytest.mark.parametrize("path", PATHS)
def test_a_200_can_be_an_error_in_json(sim: Rig, path: str) -> None:
    for model, error in (
        ("sim/error-first", {"code": 502}),
        ("sim/rate-limit-first", {"code": 429}),
        ("sim/soft-01-200-error-only", {}),
    ):
        answer = sim.ask(path, model)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json()["error"].items() >= error.items()
    assert sim.ask(path, "sim/error-string").json() == {"error": "Provider unavailable"}
    assert sim.ask(path, "sim/garbage").headers["content-type"] == "application/json"
    assert sim.ask(path, "sim/empty-body").content == b""


@pytest.mark.parametrize("path", PATHS)
def test_a_model_recovers_after_its_first_calls(sim: Rig, path: str) -> None:
    user = fresh_user()
    assert [sim.ask(path, "sim/status-503-once", user).status_code for _ in range(3)] == [503, 200, 200]


@pytest.mark.parametrize("path", PATHS)
def test_a_model_answers_only_where_its_output_belongs(sim: Rig, path: str) -> None:
    for model in {*ONE_OF_EACH.values(), "openai/gpt-5.4-mini"}:
        answer = sim.ask(path, model)
        assert answer.status_code == (200 if model == ONE_OF_EACH[path] else 404)
    assert sim.chat(ONE_OF_EACH[path]).status_code == 404
    unknown = sim.ask(path, "acme/unheard-of")
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (
        400,
        "acme/unheard-of is not a valid model ID",
    )


@pytest.mark.parametrize("path", PATHS)
def test_each_needed_field_is_asked_for_by_its_name(sim: Rig, path: str) -> None:
    needed = {"model": "sim/ok", **NEEDED[path]}
    for field in needed.keys() - {"voice"}:
        body = {name: value for name, value in needed.items() if name != field}
        answer = sim.client.post(sim.url + path, json=body)
        message = answer.json()["error"]["message"]
        named = "file" if field == "input_audio" else field
        assert (answer.status_code, message) == (400, f"{named}: Required")
    assert sim.client.post(sim.url + path, content=b"[").status_code == 400
    no_key = {"Authorization": f"{KEY['Authorization'][:10]}wrong"}
    assert sim.client.post(sim.url + path, json=needed, headers=no_key).status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_field_or_the_length_of_the_input_can_be_refused(sim: Rig, path: str) -> None:
    field = next(iter(NEEDED[path]))
    refused = sim.ask(path, f"sim/rejects-{field}").json()["error"]["metadata"]["raw"]
    assert f"{field}: Extra inputs are not permitted" in refused
    assert sim.ask(path, "sim/rejects-seed").status_code == 200
    assert sim.ask(path, "sim/prompt-limit-1").json()["error"]["metadata"]["error_type"] == (
        "context_length_exceeded"
    )
    assert sim.ask(path, "sim/prompt-limit-100000").status_code == 200


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/audio/speech"])
def test_an_empty_answer_differs_from_one_without_its_field(sim: Rig, path: str) -> None:
    empty, hollow = sim.ask(path, "sim/empty").json(), sim.ask(path, "sim/choices-empty").json()
    (missing,) = empty.keys() - hollow.keys()
    assert missing == {"/rerank": "results", "/audio/transcriptions": "text"}.get(path, "data")
    assert not empty[missing]
    both = sim.ask(path, "sim/choice-error").json()
    assert both[missing] == empty[missing]
    assert both["error"]["code"] == 502


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/audio/speech"])
def test_a_cost_can_be_left_to_the_generation(sim: Rig, path: str) -> None:
    answer = sim.ask(path, "sim/no-cost")
    assert "cost" not in answer.json()["usage"]
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] > 0


@pytest.mark.parametrize("path", ["/images", "/audio/speech", "/audio/transcriptions"])
@pytest.mark.parametrize("size", [5_000, 3_000_000])
def test_an_answer_can_have_any_size(sim: Rig, path: str, size: int) -> None:
    assert abs(len(sim.ask(path, f"sim/bytes-{size}").content) - size) < 100


def test_lists_of_models_are_filtered_by_output(sim: Rig) -> None:
    def ids(query: str) -> list[str]:
        return [model["id"] for model in sim.get(f"/api/v1/models{query}")["data"]]

    assert not {*ONE_OF_EACH.values()} & {*ids("")}
    assert {*ONE_OF_EACH.values(), "sim/ok"} <= {*ids("?output_modalities=all")}
    assert ids("?output_modalities=rerank,speech") == [
        *("cohere/rerank-v3.5", "cohere/rerank-4-fast"),
        *("openai/gpt-4o-mini-tts-2025-12-15", "mistralai/voxtral-mini-tts-2603"),
    ]
    assert ids("?output_modalities=embeddings") == [
        model["id"] for model in sim.get("/api/v1/embeddings/models")["data"]
    ]
    assert {"sim/image", *(each["id"] for each in sim.get("/api/v1/images/models")["data"])} == {
        *ids("?output_modalities=image")
    }


@pytest.mark.parametrize("model", ONE_OF_EACH.values())
def test_a_listed_model_has_the_form_of_all(sim: Rig, model: str) -> None:
    listed = {each["id"]: each for each in sim.get("/api/v1/models?output_modalities=all")["data"]}
    assert set(listed[model]) == set(listed["sim/ok"])
    endpoints = sim.get(f"/api/v1/models/{model}/endpoints")["data"]["endpoints"]
    assert endpoints[0]["pricing"] == {**listed[model]["pricing"], "discount": 0}


@pytest.mark.parametrize(
    ("model", "paths"),
    [
        ("sim/tools", []),
        ("sim/reasoning", []),
        ("sim/signs-alpha", []),
        ("sim/ok-02-tools-reasoning", []),
        ("sim/crlf", ["/images"]),
        ("sim/no-done", ["/images"]),
        ("sim/image-refused", ["/images"]),
        ("sim/vectors-fewer", ["/embeddings"]),
        ("sim/ranks-more", ["/rerank"]),
        ("sim/audio-untyped", ["/audio/speech"]),
        ("sim/bytes-1000", ["/images", "/audio/speech", "/audio/transcriptions"]),
        ("sim/cut-json", ["/embeddings", "/rerank", "/images", "/audio/transcriptions"]),
        ("sim/err-529-overloaded", PATHS),
        ("sim/html", PATHS),
    ],
)
def test_a_behaviour_is_refused_where_it_means_nothing(sim: Rig, model: str, paths: list[str]) -> None:
    words = {path: sim.ask(path, model).text for path in PATHS}
    assert [path for path in PATHS if f"{model} has no meaning at {path}" not in words[path]] == paths


@pytest.mark.parametrize("model", ["sim/vectors-fewer", "sim/ranks-more", "sim/reset-bytes-1"])
def test_what_conversations_do_not_have_is_refused_there(sim: Rig, model: str) -> None:
    for path in ("/chat/completions", "/messages"):
        answer = sim.ask(path, model)
        assert (answer.status_code, f"{model} has no meaning at {path}" in answer.text) == (400, True)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/images"])
def test_an_endpoint_without_streams_ignores_the_wish_for_one(sim: Rig, path: str) -> None:
    user = fresh_user()
    answer = sim.ask(path, "sim/ok", user, stream=True)
    assert answer.content
    assert answer.headers["content-type"] == sim.ask(path, "sim/ok").headers["content-type"]
    assert sim.one(user)["stream"] is False
