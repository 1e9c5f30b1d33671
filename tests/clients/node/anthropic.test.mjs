// Anthropic's official client.

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import * as rig from "./rig.mjs";

const check = rig.checks("`@anthropic-ai/sdk`", "@anthropic-ai/sdk");
const client = new Anthropic({ baseURL: rig.gateway.url, authToken: rig.gateway.key, apiKey: null });
const fields = (model, more) => ({ model, messages: rig.MESSAGES, max_tokens: 1000, ...more });
const ask = (model, more = {}) => client.messages.create(fields(model, more));
const streamed = (model, more = {}) => client.messages.stream(fields(model, more)).finalMessage();
const TOOLS = [{ name: rig.WEATHER_TOOL.function.name, input_schema: rig.CITY }];

const texts = (answer) => answer.content.map((block) => block.text ?? "").join("");
const kinds = (answer) => answer.content.map((block) => block.type);

check("plain", "it gets an answer and its usage", async () => {
  const answer = await ask("sim/ok");
  assert.deepEqual([texts(answer), answer.stop_reason, answer.model], [rig.ANSWER, "end_turn", "sim/ok"]);
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
});

check("plain", "its other header for the key is accepted", async () => {
  const other = new Anthropic({ baseURL: rig.gateway.url, apiKey: rig.gateway.key, authToken: null });
  assert.equal(texts(await other.messages.create(fields("sim/ok"))), rig.ANSWER);
});

check("plain", "it counts tokens without a call", async () => {
  const called = await rig.upstreamFromNow();
  const counted = await client.messages.countTokens({ model: "sim/ok", messages: rig.MESSAGES });
  assert.ok(counted.input_tokens > 0);
  assert.deepEqual(await called(), []);
});

for (const model of ["sim/ok", "sim/no-done", "sim/pings", "sim/done-named"]) {
  check("stream", `its helper puts the answer together: ${model}`, async () => {
    const answer = await streamed(model);
    assert.deepEqual([texts(answer), answer.stop_reason], [rig.ANSWER, "end_turn"]);
    assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
  });
}

for (const [column, run] of [["plain", ask], ["stream", streamed]]) {
  check(column, `it gets thinking with its signature: ${column}`, async () => {
    const answer = await run("sim/signs-one", { thinking: { type: "adaptive" } });
    assert.deepEqual(kinds(answer), ["thinking", "text"]);
    assert.ok(answer.content[0].signature);
  });

  check("tools", `a tool's result leads to text: ${column}`, async () => {
    const answer = await run("sim/tools", { tools: TOOLS });
    const call = answer.content.find((block) => block.type === "tool_use");
    assert.equal(answer.stop_reason, "tool_use");
    assert.deepEqual([call.name, call.input], ["get_weather", { city: "Oslo" }]);
    const messages = [
      ...rig.MESSAGES,
      { role: "assistant", content: answer.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "rain" }] },
    ];
    assert.equal(texts(await run("sim/tools", { tools: TOOLS, messages })), rig.WEATHER);
  });

  check("errors", `an exhausted chain is its server error and not tried again: ${column}`, async () => {
    const called = await rig.upstreamFromNow();
    const isOurs = (error) =>
      error instanceof Anthropic.InternalServerError && error.status === 502 && error.type === "api_error";
    await assert.rejects(run(rig.EXHAUSTED), isOurs);
    assert.deepEqual(await called(), rig.EXHAUSTED_CALLS);
  });

  for (const chain of [{ models: ["sim/ok"] }, { fallbacks: [{ model: "sim/ok" }] }]) {
    check("fallback", `${Object.keys(chain)} are the chain: ${column}`, async () => {
      const called = await rig.upstreamFromNow();
      const answer = await run(rig.CHAIN[0], chain);
      assert.deepEqual([texts(answer), answer.model], [rig.ANSWER, "sim/ok"]);
      assert.deepEqual(await called(), rig.CHAIN);
    });
  }
}

check("structured", "it parses by a zod schema", async () => {
  const format = zodOutputFormat(z.object({ city: z.string() }));
  const answer = await client.messages.parse(fields("sim/json", { output_config: { format } }));
  assert.deepEqual(answer.parsed_output, { city: "Canberra" });
});

check("errors", "a wrong key is its authentication error", async () => {
  const wrong = new Anthropic({ baseURL: rig.gateway.url, apiKey: "wrong", authToken: null });
  const isOurs = (error) =>
    error instanceof Anthropic.AuthenticationError && error.type === "authentication_error";
  await assert.rejects(wrong.messages.create(fields("sim/ok")), isOurs);
});

check("errors", "a bad field is its bad request error", async () => {
  const isOurs = (error) => error instanceof Anthropic.BadRequestError && error.message.includes("messages");
  await assert.rejects(ask("sim/ok", { messages: [] }), isOurs);
});

check("errors", "a rate limit is its rate limit error and not tried again", async () => {
  const called = await rig.upstreamFromNow();
  const isOurs = (error) => error instanceof Anthropic.RateLimitError && error.type === "rate_limit_error";
  await assert.rejects(ask(rig.limitedModel(9)), isOurs);
  assert.deepEqual(await called(), [rig.limitedModel(9)]);
});

for (const model of rig.CUT_OFF) {
  check("broken stream", `a cut-off stream throws after its text: ${model}`, async () => {
    let text = "";
    const read = async () => {
      for await (const event of await ask(model, { stream: true })) text += event.delta?.text ?? "";
    };
    await assert.rejects(read, (error) => error instanceof Anthropic.APIError && /was cut off/.test(error.message));
    assert.equal(text, rig.CUT_OFF_TEXT);
  });

  check("broken stream", `its helper gives no message: ${model}`, async () => {
    await assert.rejects(streamed(model), (error) => error instanceof Anthropic.APIError);
  });
}

check("models", "it lists them", async () => {
  const listed = [];
  for await (const model of client.models.list()) listed.push(model);
  assert.ok(listed.some((model) => model.id === "~anthropic/claude-sonnet-latest" && model.display_name));
});

for (const model of rig.LISTED) {
  check("models", `it retrieves ${model}`, async () => assert.equal((await client.models.retrieve(model)).id, model));
}

check("models", "an unknown model is its not found error", async () => {
  await assert.rejects(client.models.retrieve("sim/none"), Anthropic.NotFoundError);
});
