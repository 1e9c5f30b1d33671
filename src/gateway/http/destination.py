"""Checks the destination of an upstream's key: its own host, and no text that is shown or stored."""

from hashlib import sha256
from urllib.parse import urlsplit

from gateway.http.message import AUTHORIZATION, HeaderPairs, Upstream, UpstreamRequest

# A text that has this many characters of a key in common with it repeats the key.
_PART_OF_KEY = 12
# The same for the part of a key that is random, after a beginning that many keys have in common.
_PART_OF_SECRET = 10
_COMMON_BEGINNINGS = ("sk-", "or-v1-", "ant-", "api03-", "proj-", "svcacct-", "gsk_", "xai-", "aizasy")


def check_destination(request: UpstreamRequest) -> tuple[str, HeaderPairs]:
    """Return the URL and the headers to send, including the upstream's key.

    Every transport calls this before it sends. No code outside this module reads ``Upstream.api_key``.

    Raises:
        ValueError: the path does not start with ``/``, or would change the scheme, host or port.
    """
    url = request.upstream.base_url + request.path
    target, allowed = urlsplit(url), urlsplit(request.upstream.base_url)
    if not request.path.startswith("/") or (target.scheme, target.netloc) != (allowed.scheme, allowed.netloc):
        raise ValueError("an upstream call must stay on its upstream's host")
    key = request.upstream.api_key
    name = request.upstream.key_header
    value = f"Bearer {key}" if name == AUTHORIZATION else key
    return url, (*request.headers, *(((name, value),) if key else ()))


def repeats_key(text: str, upstream: Upstream) -> bool:
    """Return whether a text holds the upstream's key, or a long part of it. The text should be short."""
    key = upstream.api_key
    parts = (text[start : start + _PART_OF_KEY] for start in range(len(text) - _PART_OF_KEY + 1))
    return bool(key) and (key in text or any(part in key for part in parts))


def redact_key(line: str, upstream: Upstream, *, instead: str) -> str:
    """Return a line of text with ``instead`` for each word that holds the upstream's key, or a part of it.

    A part may also go over several words. The same beginning of many keys does not count as a part: who sees
    what is left out could find out the rest of the key, a few characters at a time.
    """
    key = _random_part(upstream.api_key.casefold())
    if not key:
        return line
    words = line.split(" ")
    text, word_of = "", list[int]()
    for number, word in enumerate(words):
        folded = word.casefold()
        text += folded
        word_of += [number] * len(folded)
    length = min(_PART_OF_SECRET, len(key))
    for start in range(len(text) - length + 1):
        if text[start : start + length] in key:
            for number in word_of[start : start + length]:
                words[number] = instead
    return " ".join(words)


def _random_part(key: str) -> str:
    """Return a key without the beginning that many keys have; the complete key if too little is left."""
    part = key
    for beginning in _COMMON_BEGINNINGS:
        part = part.removeprefix(beginning)
    return part if len(part) >= _PART_OF_SECRET else key


def digest_of(upstream: Upstream) -> str:
    """Return a digest of where an upstream is and of the key that it is called with."""
    return sha256(f"{upstream.base_url}\0{upstream.api_key}".encode("utf-8", "surrogatepass")).hexdigest()
