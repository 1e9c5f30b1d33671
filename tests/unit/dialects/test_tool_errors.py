import pytest

from gateway.dialects.tool_errors import reports_error, text_of
from gateway.http.json_values import Json, JsonObject
from tests.support.work import check_growth

ERRORS: tuple[Json, ...] = (
    "Error: no such file",
    "error executing tool: denied",
    "ERROR",
    "ValueError: invalid literal",
    "subprocess.CalledProcessError: Command 'x' returned 1",
    "Traceback (most recent call last):\n  File ...",
    "<tool_use_error>String to replace not found</tool_use_error>",
    "[error] timed out",
    "**Error:** it failed",
    "❌ Failed to write",
    "Failed to fetch",
    "Permission denied",
    "Cannot read properties of undefined",
    "Exit code 1\nmake: *** [all] Error 2",
    "Process exited with code 127",
    '{"error": "not found"}',
    '{"error": {"code": 404}}',
    '{"data": null, "isError": true}',
    '{"success": false}',
    '{"status": "failed"}',
    [{"type": "text", "text": "Error: no such file"}],
)
NO_ERRORS: tuple[Json, ...] = (
    "",
    None,
    "Done.",
    "Error rate 3 % of requests",
    "error-free run",
    "Exit code 0",
    "Process exited with code 0",
    "errors.py\nmain.py",
    "0 errors",
    "The file says: Error: no such file",
    '{"error": null, "data": 1}',
    '{"error": false}',
    '{"errors": []}',
    '{"success": true}',
    '{"status": "running"}',
    '{"message": "an error"}',
    '{"error": ' + "[" * 500,
    [{"type": "image_url", "image_url": {"url": "data:"}}],
)


@pytest.mark.parametrize("content", ERRORS, ids=repr)
def test_a_result_that_reports_an_error_is_recognized(content: Json) -> None:
    assert reports_error({"role": "tool", "content": content}, text_of(content))


@pytest.mark.parametrize("content", NO_ERRORS, ids=repr)
def test_any_other_result_is_none(content: Json) -> None:
    assert not reports_error({"role": "tool", "content": content}, text_of(content))


@pytest.mark.parametrize("flag", [{"is_error": True}, {"isError": True}, {"status": "error"}])
def test_a_field_of_the_message_may_say_so(flag: JsonObject) -> None:
    assert reports_error({"role": "tool", "content": "x", **flag}, "x")


@pytest.mark.parametrize("beginning", ["", " ", "a", "<", "_", '{"error":'])
def test_the_work_grows_no_faster_than_the_text(beginning: str) -> None:
    check_growth(lambda size: lambda: reports_error({}, text_of(beginning * size + "x" * size)), 200_000)
