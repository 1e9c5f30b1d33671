"""The fault matrix: each simulator behaviour, plain and streamed, ends as its row says."""

import asyncio
from urllib.parse import urlsplit

import httpx

from tests.support.fault_rows import ROWS
from tests.support.matrix import run_matrix
from tests.support.runtimes import Gateway
from tests.support.tls import tls


def test_every_behaviour_of_the_simulator_in_chat_has_a_row(simulator: str) -> None:
    parts = urlsplit(simulator)
    table = httpx.get(f"{parts.scheme}://{parts.netloc}/sim", trust_env=False, verify=tls()).json()
    # What only Responses has is as ok in chat.
    rows = [row for row in table["behaviours"] if row["group"] != "responses"]
    in_chat = [row for row in rows if "text" in row["outputs"]]
    names = {row["example"].removeprefix("sim/") for row in in_chat}
    assert names <= {row.name for row in ROWS}


def test_every_fault_ends_in_an_answer_or_in_the_expected_error(
    gateway: Gateway, custom_gateway: Gateway, simulator: str
) -> None:
    results = asyncio.run(run_matrix(gateway, custom_gateway, simulator, ROWS))
    wrong = [str(result) for result in results if result.problems]
    assert not wrong, "\n".join(wrong)
