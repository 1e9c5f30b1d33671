"""Removes from an upstream's text what looks like a secret, or names an account or a person.

It looks at each word. No decision depends on a key that the gateway knows: otherwise a caller who makes an
upstream repeat guesses could find out that key. ``http.destination.redact_key`` looks for the key itself.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.faults.details import REDACTED

# A word ends at a space, a quotation mark, an angle bracket, and any letter that is not ASCII.
_WORD = re.compile(r"[!#-&(-;=?-_a-~•●…]++")
_PUNCTUATION = "()[]{},;.:!?"
_MIN_CHARACTERS = 3

# What a secret or an identity looks like. Sources: the providers' documentation of their keys, and GitHub's
# "Supported secret scanning patterns".
_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "API key": r"(?<![A-Za-z0-9])(?:(?i:sk[-_][\w*•…]|[pr]k[-_](?:live|test|proj)|gsk_\w)|csk-\w{8}"
        r"|hf_[A-Za-z0-9]{8}|xai-[A-Za-z0-9]{12}|pplx-[A-Za-z0-9]{12}|nvapi-\w{4}|r8_[A-Za-z0-9]{8}"
        r"|fw_[A-Za-z0-9]{12}|tgp_v\d_\w|AIza[\w-]{2}|ya29\.\w|AQ\.[\w-]{8}|(?:AKIA|ASIA|ABSK)[0-9A-Za-z]{8})",
        "access token": r"(?<![A-Za-z0-9])(?:gh[opsur]_\w|github_pat_\w|glpat-\w|xox[a-z]-\w|npm_\w{8}"
        r"|dop_v1_\w|SG\.\w{8}|eyJ[\w-]{8})",
        "private key": r"-----BEGIN",
        "masked key": r"\*{3}[A-Za-z0-9]|[A-Za-z0-9_-]\*{3}|[•●]{2}"
        r"|[A-Za-z0-9_](?:…|\.{3})[A-Za-z0-9_]|(?<![A-Za-z0-9])(?:…|\.{3})[A-Za-z]*+[0-9]",
        "UUID": r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}+(?:-[0-9A-Fa-f]{4}+){3}+-[0-9A-Fa-f]{12}",
        "letters and digits": r"(?<![A-Za-z0-9])(?=[0-9]*+[A-Za-z])(?=[A-Za-z]*+[0-9])[A-Za-z0-9]{16}",
        "many letters": r"(?<![A-Za-z])[A-Za-z]{40}",
        "many digits": r"(?<![0-9.])[0-9]{12}",
        "id": r"(?<![A-Za-z0-9])(?:user|usr|org|organization|acct|account|proj|project|team|cus|customer"
        r"|tenant|ws|workspace|wrkspc|req|sess)[-_](?:[a-z]{16}|(?=[a-z]*+[0-9A-Z])[A-Za-z0-9]{3})",
        "resource": r"(?<![A-Za-z0-9])(?:arn:|(?:projects|organizations|tenants|users|subscriptions)/\w)",
    }
)
_SECRET = re.compile("|".join(_FORMS.values()))

# Random characters change often between small letters, capitals and digits. A model's name does not.
_CHANGE = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_RANDOM_FROM, _CHARACTERS_PER_CHANGE = 20, 3
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{32,}+")  # no hyphens, so it is no model's name
_BASE64_CHARACTERS_PER_CHANGE = 4

# Words that say what comes after them, as ``key=…``, ``password: …``, ``Bearer …``, ``account 123456``.
_SECRET_LABEL = re.compile(
    r"(?:key|token|secret|passw(?:or)?d|pwd|auth|authorization|credentials?|sig|signature|session|session_?id"
    r"|cookie|jwt)$",
    re.IGNORECASE,
)
_PASSWORD_LABELS = frozenset({"password", "passwd", "pwd"})
_ID_LABEL = re.compile(
    r"(?:account|acct|org|organi[sz]ation|project|user|tenant|workspace|team|customer|subscription)"
    r"(?P<id>[-_ ]?(?:id|number))?$",
    re.IGNORECASE,
)
# An ID after such a word, even if it has no digit.
_ID = re.compile(r"(?:user|usr|org|acct|account|proj|project|team|cus|customer|tenant|ws|wrkspc)[-_]\w")
# How long letters and digits after "key" are to be a key.
_SECRET_FROM = 7
# What comes after "bearer" if it is a word of a sentence.
_NO_CREDENTIALS = frozenset(
    {
        *("token", "tokens", "key", "auth", "authentication", "authorization", "credential", "credentials"),
        *("scheme", "header", "format", "prefix", "type"),
        *("is", "was", "of", "or", "and", "in", "must", "not", "required"),
    }
)
_VERSIONS = ("default", "latest")  # of a model, after an ``@``
# Words between a label and its value.
_FILLERS = frozenset({"is", "was", "provided", "given", "value", "header"})
_ID_WORDS = frozenset({"id", "number"})
_ENDS = frozenset({"ending", "ends", "starting", "starts", "beginning", "begins"})
_SEPARATORS = re.compile(r"[?&#;,]")


def redact(line: str) -> str:
    """Return a text of limited length, on one line, with ``REDACTED`` in place of secrets and identities."""
    label, before_label = "", ""

    def shown(found: re.Match[str]) -> str:
        nonlocal label, before_label
        word = found[0]
        core = word.strip(_PUNCTUATION)
        ends_in = label in ("in", "with") and before_label in _ENDS
        is_secret = _is_secret(word, core) or _is_labelled(core, label) or (ends_in and _has_digit(core))
        name = core.lower().rstrip("=")
        if label.endswith("authorization:"):
            label = "bearer"  # whatever the scheme is called, the credentials come after it
        elif name in _ID_WORDS:
            label = f"{label.rstrip(':')} {name}"
        elif name and name not in _FILLERS:
            label, before_label = name, label
        elif name and word[-1] == ":" and _SECRET_LABEL.search(label):
            label = "password"  # "Incorrect API key provided: …" is followed by the key
        if word[-1] in ":=":
            label = label.rstrip(":") + ":"
        return word.replace(core, REDACTED, 1) if is_secret else word

    return _WORD.sub(shown, line)


def _is_secret(word: str, core: str) -> bool:
    """Return whether a word is a secret or an identity by itself; ``core`` is it without punctuation."""
    if len(core) < _MIN_CHARACTERS:
        return False
    return bool(_SECRET.search(word)) or _has_address(core) or _has_random(core) or _has_labelled(core)


def _has_address(core: str) -> bool:
    """Return whether a word holds an e-mail address, or a URL with a user.

    A model's version after ``@`` is neither: ``claude-3-5-sonnet@20240620``. Nor is ``@cf/meta/llama``.
    """
    user, _, host = core.replace("%40", "@").partition("@")
    is_version = ":" not in user and "." not in host and (host[:1].isdigit() or host in _VERSIONS)
    return bool(user and host) and not is_version


def _has_random(core: str) -> bool:
    if len(core) < _RANDOM_FROM:
        return False
    parts = [(core, _CHARACTERS_PER_CHANGE)]
    parts += [(part, _BASE64_CHARACTERS_PER_CHANGE) for part in _BASE64.findall(core)]
    return any(len(_CHANGE.findall(part)) * per_change >= len(part) for part, per_change in parts)


def _has_labelled(core: str) -> bool:
    """Return whether a word holds ``key=…``, ``token:…`` or the like, also in the query of a URL."""
    for piece in _SEPARATORS.split(core):
        name, equals, value = piece.partition("=")
        if equals and value and (_SECRET_LABEL.search(name) or _ID_LABEL.search(name)):
            return True
        name, colon, value = piece.partition(":")
        if colon and value and _is_labelled(value, name.lower() + ":"):
            return True
    return False


def _is_labelled(core: str, label: str) -> bool:
    """Return whether a word is a secret or an identity because of the label before it."""
    if not core or not label:
        return False
    name, colon = label.rstrip(":"), label.endswith(":")
    if name == "bearer":
        return core.lower() not in _NO_CREDENTIALS
    if name == "basic":
        return _is_like_a_token(core) or core.endswith("=")
    if _SECRET_LABEL.search(name):
        if colon:
            return name in _PASSWORD_LABELS or _is_like_a_token(core)
        return core.isalnum() and _has_digit(core) and len(core) >= _SECRET_FROM and not core.isdigit()
    return (found := _ID_LABEL.search(name)) is not None and _is_id(core, is_named=bool(found["id"]))


def _is_id(core: str, *, is_named: bool) -> bool:
    """Return whether a word after "account", "user" or the like is an ID; ``is_named``: after "user id"."""
    if _ID.match(core):
        return True
    return _has_digit(core) and (
        is_named or (len(core) > _MIN_CHARACTERS and (core.isalnum() or core.replace("-", "").isdigit()))
    )


def _is_like_a_token(core: str) -> bool:
    """Return whether a word is not one of a language: it is long, or mixes letters, digits or cases."""
    return len(core) >= _RANDOM_FROM or (bool(_CHANGE.search(core[1:])) and not core.istitle())


def _has_digit(core: str) -> bool:
    return any(each in "0123456789" for each in core)
