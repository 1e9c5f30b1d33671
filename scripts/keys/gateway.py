"""Manages the keys of a running gateway over HTTP, with an admin's key."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO, Any, NoReturn

from gateway.http.json_values import JsonObject, object_or_empty
from gateway.settings.parse_value import as_base_url
from scripts.wrangler import StepError

TIMEOUT_S = 30.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the admin's key goes to the address that was named, and to no other."""

    def redirect_request(  # noqa: PLR0917  # the signature of urllib
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> NoReturn:
        """Raise ``StepError``."""
        del req, fp, msg, headers, newurl
        raise StepError(f"the gateway answered with a redirect ({code}): give its own address as URL")


@dataclass(frozen=True)
class RunningGateway:
    """A gateway at ``url``. An empty ``admin_key`` is for one that is open on this machine."""

    url: str
    admin_key: str

    def send(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """Send a request below ``/v1/keys``; return the JSON of its answer.

        Raises:
            StepError: there was no answer, or it was an error. The message is the gateway's.
        """
        headers = {"content-type": "application/json", "user-agent": "openrouter-edge"}
        if self.admin_key:
            headers["authorization"] = f"Bearer {self.admin_key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # the scheme was checked
            f"{self.url}/v1/keys{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S) as answer:
                value: JsonObject = json.load(answer)
        except urllib.error.HTTPError as error:
            raise StepError(f"the gateway refused: {_message_in(error)}") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise StepError(f"{self.url} does not answer: {reason}") from None
        except ValueError:
            raise StepError(f"{self.url} is no gateway: its answer is not JSON") from None
        return value


def _message_in(error: urllib.error.HTTPError) -> str:
    try:
        payload: Any = json.loads(error.read())
    except (ValueError, OSError):
        payload = None
    message = object_or_empty(object_or_empty(payload).get("error")).get("message")
    return str(message) if message else f"status {error.code}"


def base_url(raw: str) -> str:
    """Return the address of a gateway, with or without ``/v1`` at its end.

    Raises:
        StepError: it is no https:// URL (http:// for a loopback host).
    """
    try:
        return as_base_url(raw).removesuffix("/v1").removesuffix("/api")
    except ValueError as error:
        raise StepError(f"URL {error}") from None
