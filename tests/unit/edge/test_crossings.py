import re
from collections import Counter

from scripts.tools import ROOT
from tests.support.crossings import crossings_of

DOCUMENT = ROOT / "docs" / "development.md"
ROW = re.compile(r"^\| (`.+`) \| (\d+) \| .+ \|$", re.MULTILINE)
QUESTION = {"model": "a/one", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = {
    "id": "gen-1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "a/one",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.00001},
}


def test_a_plain_request_crosses_to_javascript_exactly_as_often_as_the_table_says() -> None:
    crossings = crossings_of(QUESTION, ANSWER)
    counted = Counter(dict.fromkeys(crossings, 0))

    for names, times in ROW.findall(DOCUMENT.read_text(encoding="utf-8")):
        listed = names.replace("`", "").split(", ")
        assert sum(crossings[name] for name in listed) == int(times), names
        counted.update(listed)

    assert counted == dict.fromkeys(crossings, 1)


def test_the_hundredth_request_crosses_as_often_as_the_third() -> None:
    assert crossings_of(QUESTION, ANSWER, warm=99) == crossings_of(QUESTION, ANSWER)
