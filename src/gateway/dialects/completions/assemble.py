"""Puts the chunks of completions together: the body that the upstream would have sent as a plain answer."""

from types import MappingProxyType

from gateway.dialects.choice_assembly import Assembly
from gateway.dialects.completions.text_form import TEXTS
from gateway.dialects.merge import DELTA, NEWEST, TEXT, Rules

# Source: OpenAI API reference, "The completion object". The lists of `logprobs` are extended.
_LOGPROBS: Rules = MappingProxyType(
    {"tokens": DELTA, "token_logprobs": DELTA, "top_logprobs": DELTA, "text_offset": DELTA}
)
_CHOICE: Rules = MappingProxyType({
    "text": TEXT,
    "reasoning": TEXT,
    "logprobs": _LOGPROBS,
    "finish_reason": NEWEST,
    "native_finish_reason": NEWEST,
    "stop_reason": NEWEST,
})  # fmt: skip  # one field a line


class TextAssembly(Assembly):
    """The completions that the chunks of a stream make."""

    object = TEXTS.object
    rules = _CHOICE
