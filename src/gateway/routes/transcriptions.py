"""``POST /v1/audio/transcriptions``: the text of a recording, which is in JSON or in a form."""

from dataclasses import replace

from gateway.dialects.transcriptions.dialect import TRANSCRIPTIONS, FormTranscriptions
from gateway.http.body import HttpResponse
from gateway.http.form import is_form
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def transcriptions(call: Call) -> HttpResponse:
    """Answer a request for a transcription."""
    content_type = call.request.header("content-type") or ""
    dialect = FormTranscriptions(content_type) if is_form(content_type) else TRANSCRIPTIONS
    return await generate(replace(call, body_setting="MAX_AUDIO_BYTES"), dialect)
