"""The error for a path at which there is nothing: it says which path to use instead, or what is served.

It is imported when a path was not found. No message repeats the path.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from gateway.http.errors import GatewayError
from gateway.pipeline.call import OPENROUTERS_PREFIX

CHAT = "/v1/chat/completions"
MODEL = "/v1/models/{author}/{slug}"
KEY = "/v1/keys/{name}"
# No path that is served is longer, but for the name of a model. The rest of a longer path is not looked at.
MAX_CHARACTERS = 300
_OF_CHATS = f"Send a chat request to {CHAT}."
_OF_PROMPTS = f"Send a prompt to /v1/completions, or a chat to {CHAT}."
_OF_MONEY = (
    "What this gateway's key has used and has left is at /v1/key, and what it was used for at /v1/usage."
)
_OF_COSTS = "The receipt of an answer has its cost, under `gateway`."
# Endpoints of OpenAI, OpenRouter and Anthropic that are not served, by the beginning of their path below
# `/v1`: what they are, and what to use instead. The first entry that fits counts.
NOT_SERVED: Mapping[str, tuple[str, str]] = MappingProxyType({
    "chat": ("stored chats", _OF_CHATS),
    "complete": ("Anthropic's older completions", _OF_PROMPTS),
    "engines": ("engines", _OF_PROMPTS),
    "moderations": ("moderations", ""),
    "images/edits": ("edits of images", "Send pictures in `input_references` to /v1/images."),
    "images/variations": ("variations of images", "Send pictures in `input_references` to /v1/images."),
    "videos": ("videos", ""),
    "audio/translations": ("translations of recordings", "Transcriptions are at /v1/audio/transcriptions."),
    "audio": ("this part of the audio API", f"Some models hear and speak at {CHAT}."),
    "realtime": ("realtime sessions", ""),
    "files": ("files", f"Send a file as a part of a message to {CHAT}."),
    "uploads": ("uploads", f"Send a file as a part of a message to {CHAT}."),
    "batches": ("batches", _OF_CHATS),
    "assistants": ("assistants", _OF_CHATS),
    "threads": ("threads", _OF_CHATS),
    "conversations": ("conversations", _OF_CHATS),
    "vector_stores": ("vector stores", ""),
    "fine_tuning": ("fine-tuning", ""),
    "generation": ("records of single generations", _OF_COSTS),
    "credits": ("the account's credits", _OF_MONEY),
    "activity": ("the account's activity", _OF_MONEY),
    "auth": ("keys of the account", _OF_MONEY),
    "key/generate": ("LiteLLM's key routes", "Keys are made at POST /v1/keys."),
    "providers": ("the list of providers", f"The providers of a model are at {MODEL}/endpoints."),
    "endpoints": ("the list of endpoints", f"The providers of a model are at {MODEL}/endpoints."),
})  # fmt: skip  # one endpoint a line
NOTHING = "There is nothing at this path."


def unknown_path(path: str, served: Mapping[str, Collection[str]]) -> GatewayError:
    """Return the error for a path.

    Args:
        path: the path, at which there is nothing.
        served: the paths at which there is something, each with its methods.
    """
    meant = _meant(path[:MAX_CHARACTERS], served)
    if meant is not None:
        return GatewayError("not_found", f"{NOTHING} Use {meant}.")
    everything = f"This gateway serves: {_listed(served)}."
    tail = _below_v1(path[:MAX_CHARACTERS])
    for beginning, (name, instead) in NOT_SERVED.items():
        if tail == beginning or tail.startswith(f"{beginning}/"):
            return GatewayError(
                "not_found",
                " ".join(filter(None, (f"This gateway does not serve {name}.", instead, everything))),
            )
    return GatewayError("not_found", f"{NOTHING} {everything}")


def _meant(path: str, served: Collection[str]) -> str | None:
    """Return the path that a wrong one stands for: with one `/v1`, in lower case, without empty segments."""
    tail = _below_v1(path)
    beginning = "/api" if path.lower().startswith("/api/") else ""
    if f"/v1/{tail}" in served:
        return f"{beginning}/v1/{tail}"
    if f"/{tail}" in served:  # a path that is not below `/v1`
        return f"/{tail}"
    if tail.startswith("models/"):
        return f"{beginning}{MODEL}"
    if tail.startswith("keys/"):
        return f"{beginning}{KEY}"
    if f"/v1/{tail}".startswith(OPENROUTERS_PREFIX):
        return f"{beginning}{OPENROUTERS_PREFIX}{{author}}/{{slug}}"
    ending = next(
        (each for each in served if each.startswith("/v1/") and tail.endswith(each.removeprefix("/v1"))), None
    )
    return None if ending is None else f"{beginning}{ending}"


def _below_v1(path: str) -> str:
    """Return what is behind `/api` and `/v1`, however often they are there, in lower case."""
    segments = [each for each in path.lower().split("/") if each]
    while segments and segments[0] in ("api", "v1"):
        del segments[0]
    return "/".join(segments)


def _listed(served: Mapping[str, Collection[str]]) -> str:
    shown = [f"{_first(methods)} {path}" for path, methods in served.items()]
    return ", ".join([*shown, f"GET {MODEL}", f"GET {KEY}"])


def _first(methods: Collection[str]) -> str:
    return next(iter(methods))
