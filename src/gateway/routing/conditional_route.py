"""Chooses the task route of a request that names no task, by the conditions (``when``) of the routes.

It is imported if a route has conditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, list_or_empty, whole_or_none
from gateway.http.session_headers import AGENT_HEADERS
from gateway.routing.model_names import resolve
from gateway.settings.caller import Caller
from gateway.settings.conditions import OVER, UNDER, Condition
from gateway.settings.glob import fits
from gateway.settings.keys import allows
from gateway.settings.settings import Settings
from gateway.settings.task_routes import TaskRoute
from gateway.settings.upstreams import split_direct


@dataclass(frozen=True, slots=True)
class Traits:
    """What a condition can look at.

    Attributes:
        model: the name that the caller wrote first; None if it named no model.
        prompt_tokens: the likely estimate of the prompt's tokens.
        header: returns a header of the request; the name must be in lower case.
        words: what was read of the headers so far, by name.
    """

    model: str | None
    prompt_tokens: int
    header: Callable[[str], str | None]
    words: dict[str, str] = field(default_factory=dict)

    def word(self, name: str) -> str:
        """Return a header's value; empty if there is none. Each header is read once."""
        if name not in self.words:
            self.words[name] = (self.header(name) or "").strip()
        return self.words[name]


@dataclass(frozen=True, slots=True)
class ChosenRoute:
    """A task route that was chosen by a condition, and the part of the condition that the request met."""

    route: TaskRoute
    when: JsonObject

    def to_json(self) -> JsonObject:
        """Return the choice in the form of a receipt and a plan."""
        return {"task": self.route.name, "when": self.when}


def choose_route(traits: Traits, settings: Settings, caller: Caller) -> ChosenRoute | None:
    """Return the first task route, in the order of ``TASK_ROUTES``, that has a condition which is met.

    A route of which the caller may use no model is passed over. None: there is no such route.
    """
    for route in settings.conditional_routes:
        for condition in route.when:
            met = _met(condition, traits)
            if met is not None and _may_use(caller, route):
                return ChosenRoute(route, met)
    return None


def _may_use(caller: Caller, route: TaskRoute) -> bool:
    """Return whether the caller may use a model of the route."""
    # A caller with its own OpenRouter key may use no direct upstream.
    models = [each for each in route.models if caller.own_key is None or split_direct(each) is None]
    # There is no model list yet: it is fetched later, if the chosen route needs prices.
    return any(allows(caller, resolve(model, None), route.name) for model in models)


def _met(condition: Condition, traits: Traits) -> JsonObject | None:
    """Return for each field of a condition what the request met it with; None if it does not meet all."""
    met: JsonObject = {}
    for name, wanted in condition.items():
        found = TESTS[name](wanted, traits)
        if found is None:
            return None
        met[name] = found
    return met


def _is_class(name: str) -> Callable[[Json, Traits], Json]:
    header = AGENT_HEADERS[name]

    def test(wanted: Json, traits: Traits) -> Json:
        # What is not printable, or too long, equals no word that a condition may have.
        word = traits.word(header)
        return word if word in list_or_empty(wanted) else None

    return test


def _is_model(wanted: Json, traits: Traits) -> Json:
    name = traits.model
    if name is None:
        return None
    return next((each for each in list_or_empty(wanted) if isinstance(each, str) and fits(each, name)), None)


def _is_over(wanted: Json, traits: Traits) -> Json:
    tokens = whole_or_none(wanted)
    return tokens if tokens is not None and traits.prompt_tokens > tokens else None


def _is_under(wanted: Json, traits: Traits) -> Json:
    tokens = whole_or_none(wanted)
    return tokens if tokens is not None and traits.prompt_tokens < tokens else None


# For each field of a condition: returns what a request meets it with; None if it does not.
TESTS: Mapping[str, Callable[[Json, Traits], Json]] = MappingProxyType(
    {
        "request_class": _is_class("request_class"),
        "agent_type": _is_class("agent_type"),
        "model": _is_model,
        OVER: _is_over,
        UNDER: _is_under,
    }
)
