"""Tests how the receipt of a repeat gets into the answer of the first request."""

import json

from gateway.dialects.chat.dialect import CHAT
from gateway.repeats.receipts import StreamReceipts, with_receipt
from tests.support.chunks import event

RECEIPT = {"request_id": "again"}


def test_the_rest_of_a_plain_answer_is_unchanged_byte_for_byte() -> None:
    vectors = b'"data": [0.10, 1e-7,  1.0E+2, "\\u00e9 \\"gateway\\":1"]'
    body = b'{%b, "usage": {"cost": 1, "cost_details": {}, "total_tokens": 3},"gateway":{"old": 1}}' % vectors

    got = with_receipt(body, {**RECEIPT})

    assert vectors in got
    assert json.loads(got)["usage"] == {"cost": 0, "total_tokens": 3}
    assert json.loads(got)["gateway"] == RECEIPT


def test_what_is_no_object_passes_unchanged() -> None:
    assert with_receipt(b"[1]", {**RECEIPT}) == b"[1]"


def test_only_a_receipt_beside_a_usage_is_replaced_however_the_bytes_are_cut() -> None:
    said = event({"choices": [{"delta": {"content": 'a "gateway" {"gateway": 1}'}}]})
    restart = event({"choices": [], "gateway": {"event": "restart"}})
    last = event({"choices": [], "usage": {"cost": 2.0}, "gateway": {"old": 1}})
    whole = b": comment\n\n" + said + restart + last + b"data: [DONE]\n\n: no end"
    for size in (1, 7, 50, 1_000):
        receipts = StreamReceipts(CHAT, lambda: {**RECEIPT}, max_event_bytes=1_000)
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        got = b"".join(
            receipts.change(each, is_last=place == len(pieces) - 1) for place, each in enumerate(pieces)
        )
        new = event({"choices": [], "usage": {"cost": 0}, "gateway": RECEIPT})
        assert got == whole.replace(last, new), size
