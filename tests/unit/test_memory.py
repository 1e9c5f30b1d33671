"""What a request may take of Python's memory, in multiples of its size: WebAssembly's memory never shrinks.

The bounds hold for what Python allocates on the way, beside the bytes themselves.
"""

import base64
import gc
import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.chat.parse import parse
from gateway.fallback.admission import NoBudget
from gateway.fallback.attempt import Attempt
from gateway.fallback.attempt_once import Ask, ServedAnswer
from gateway.fallback.normalize import normalize
from gateway.fallback.receipt import Receipt
from gateway.http.message import Upstream, UpstreamRequest
from gateway.upstream.body_forms import BodyForms
from tests.support.planning import parsed, planned, signals_of

SIZE = 2_500_000
TEXT = "The quick brown fox jumps over the lazy dog.\n"
IMAGE = "data:image/png;base64," + base64.b64encode(Random(1).randbytes(SIZE * 3 // 4)).decode()  # noqa: S311
UPSTREAM = Upstream(base_url="https://a.example", api_key="")
# What small objects may take: patterns, lists of pieces.
SOME_BYTES = 400_000

CONTENTS: dict[str, Callable[[], object]] = {
    "a text": lambda: TEXT * (SIZE // len(TEXT)),
    "a text with emoji": lambda: (TEXT + "\U0001f600") * (SIZE // len(TEXT)),
    "a text of other letters": lambda: "\u65e5\u672c" * (SIZE // 6),
    "an image": lambda: [{"type": "image_url", "image_url": {"url": IMAGE}}],
    "many texts": lambda: [{"type": "text", "text": TEXT * 90}] * (SIZE // len(TEXT) // 90),
}


def peak_of(work: Callable[[], object]) -> float:
    """Return how much memory some work takes at the most, beside small objects; as a multiple of ``SIZE``."""
    work()  # what is imported, and remembered, on the first call
    gc.collect()
    tracemalloc.start()
    try:
        work()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (peak_bytes - SOME_BYTES) / SIZE


def body_of(content: object, *, ascii_only: bool) -> bytes:
    fields = {"model": "m", "messages": [{"role": "user", "content": content}]}
    return json.dumps(fields, ensure_ascii=ascii_only).encode()


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_request_is_copied_once_while_it_is_read(name: str, ascii_only: bool) -> None:
    raw = body_of(CONTENTS[name](), ascii_only=ascii_only)

    assert peak_of(partial(parse, raw)) < 1.3 * len(raw) / SIZE


@pytest.mark.parametrize("name", CONTENTS)
def test_the_fields_for_an_upstream_are_not_copied(name: str) -> None:
    raw = body_of(CONTENTS[name](), ascii_only=True)
    chat = parse(raw)

    assert peak_of(lambda: BodyForms(CHAT, chat).for_openrouter(max_price=None)) < 0.1


def test_a_body_is_copied_once_when_signed_parts_are_taken_out() -> None:
    part = {"type": "reasoning.text", "text": "Hm.", "signature": "s" * 2_000}
    turn = {"role": "assistant", "content": TEXT * 90 + "\U0001f600", "reasoning_details": [part, part]}
    raw = json.dumps({"model": "m", "messages": [turn] * 400}, ensure_ascii=False).encode()
    chat = parse(raw)

    peak = peak_of(lambda: BodyForms(CHAT, chat).without((0, 7)).for_openrouter(max_price=None))

    assert peak < 1.9 * len(raw) / SIZE  # what is sent, and the text without its long strings


def answer_of(content: object, *, ascii_only: bool, finish: str) -> bytes:
    message: dict[str, object] = {"role": "assistant", "content": content, "refusal": None}
    if isinstance(content, list) and content[0]["type"] == "image_url":
        message |= {"content": "Here.", "images": content}
    choice = {"index": 0, "finish_reason": finish, "logprobs": None, "message": message}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1}
    answer = {"id": "gen-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps({**answer, "usage": usage}, ensure_ascii=ascii_only).encode()


def no_request(*_: object) -> UpstreamRequest:
    raise AssertionError("nothing is sent")


PLAN = planned(None, signals_of(), None, model="m")
ASK = Ask(
    dialect=CHAT,
    request=parsed(model="m"),
    request_for=no_request,
    stream=False,
    test=PLAN.answer_test,
    admission=NoBudget(),
)


def normalized(raw: bytes) -> bytes:
    """Return what the client gets for an answer."""
    test = AnswerTest(json=False, reasoning_only=False)
    completion = CHAT.read_answer(raw, test, header=lambda _: None, now_s=0.0)
    attempt = Attempt(model="m", number=1, upstream="openrouter")
    served = ServedAnswer(attempt=attempt, answer=completion, upstream=UPSTREAM)
    return normalize(
        served, ASK, Receipt(request_id="r", requested=("m",), started_at_s=0.0), PLAN, now_s=0.0
    )


@pytest.mark.parametrize("finish", ["stop", "end_turn"])
@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_an_answer_is_copied_once_on_its_way_also_if_it_is_changed(
    name: str, ascii_only: bool, finish: str
) -> None:
    raw = answer_of(CONTENTS[name](), ascii_only=ascii_only, finish=finish)
    content = json.loads(raw)["choices"][0]["message"]["content"]

    # An answer of many parts becomes one text.
    assert peak_of(lambda: normalized(raw)) < (2.6 if name == "many texts" else 1.3) * len(raw) / SIZE
    got = json.loads(normalized(raw))["choices"][0]
    assert got["message"]["content"] == (TEXT * 90 * len(content) if name == "many texts" else content)
    assert got["finish_reason"] == "stop"
