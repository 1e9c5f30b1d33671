// OpenRouter's official client. It validates answers and errors with strict schemas.

import assert from "node:assert/strict";
import { OpenRouter } from "@openrouter/sdk";
import * as errors from "@openrouter/sdk/models/errors";
import * as rig from "./rig.mjs";

const check = rig.checks("`@openrouter/sdk`", "@openrouter/sdk");
// By default it retries any 5xx for an hour, and there is no header that stops it.
const options = { serverURL: rig.gateway.apiV1, retryConfig: { strategy: "none" } };
const remark = "with its own retries off";
const client = new OpenRouter({ ...options, apiKey: rig.gateway.key });
const ask = (model, more = {}, by = client) =>
  by.chat.send({ chatRequest: { model, messages: rig.MESSAGES, ...more } });

async function chunksOf(stream) {
  const chunks = [];
  for await (const chunk of await stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");

check("plain", "it gets an answer and its cost", async () => {
  const answer = await ask("sim/ok");
  assert.equal(answer.choices[0].message.content, rig.ANSWER);
  assert.ok(answer.usage.cost > 0);
});

check("stream", "it gets a stream with the usage", async () => {
  const chunks = await chunksOf(ask("sim/ok", { stream: true }));
  assert.equal(textOf(chunks), rig.ANSWER);
  assert.deepEqual(chunks.map((chunk) => chunk.choices[0].finishReason).filter(Boolean), ["stop"]);
  assert.ok(chunks.at(-1).usage.cost > 0);
});

check("tools", "a tool's result leads to text", async () => {
  const tools = [rig.WEATHER_TOOL];
  const { message } = (await ask("sim/tools", { tools })).choices[0];
  const [call] = message.toolCalls;
  assert.deepEqual(call.function, { name: "get_weather", arguments: '{"city":"Oslo"}' });
  const messages = [...rig.MESSAGES, message, { role: "tool", toolCallId: call.id, content: "rain" }];
  const second = await ask("sim/tools", { tools, messages });
  assert.equal(second.choices[0].message.content, rig.WEATHER);
});

check("tools", "a streamed tool call is complete", async () => {
  const chunks = await chunksOf(ask("sim/tools", { tools: [rig.WEATHER_TOOL], stream: true }));
  const pieces = chunks.flatMap((chunk) => chunk.choices[0].delta.toolCalls ?? []);
  assert.equal(pieces[0].function.name, "get_weather");
  assert.equal(pieces.map((piece) => piece.function.arguments ?? "").join(""), '{"city":"Oslo"}');
});

check("structured", "it gets JSON by a schema", async () => {
  const jsonSchema = { name: "city", strict: true, schema: rig.CITY };
  const answer = await ask("sim/json", { responseFormat: { type: "json_schema", jsonSchema } });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { city: "Canberra" });
});

check(
  "errors",
  "a wrong key is its unauthorized error",
  async () => {
    const asked = ask("sim/ok", {}, new OpenRouter({ ...options, apiKey: "wrong" }));
    await assert.rejects(asked, errors.UnauthorizedResponseError);
  },
  { remark },
);

for (const [model, more, kind] of [
  ["sim/ok", { messages: [] }, errors.BadRequestResponseError],
  [rig.limitedModel(2), {}, errors.TooManyRequestsResponseError],
  [rig.EXHAUSTED, {}, errors.BadGatewayResponseError],
]) {
  check("errors", `its ${kind.name}`, () => assert.rejects(ask(model, more), kind), { remark });
}

check(
  "errors",
  "an exhausted chain is not tried again",
  async () => {
    const called = await rig.upstreamFromNow();
    await assert.rejects(ask(rig.EXHAUSTED), { statusCode: 502 });
    assert.deepEqual(await called(), rig.EXHAUSTED_CALLS);
  },
  { remark },
);

for (const model of rig.CUT_OFF) {
  check(
    "broken stream",
    `a cut-off stream ends in its error chunk: ${model}`,
    async () => {
      const chunks = await chunksOf(ask(model, { stream: true }));
      assert.equal(textOf(chunks), rig.CUT_OFF_TEXT);
      assert.match(chunks.at(-1).error.message, /was cut off/);
    },
    { remark },
  );
}

check("fallback", "models are the chain", async () => {
  const called = await rig.upstreamFromNow();
  const answer = await ask(undefined, { models: rig.CHAIN });
  assert.equal(answer.model, "sim/ok");
  assert.deepEqual(await called(), rig.CHAIN);
});

for (const limit of [1, undefined]) {
  const run = async () => {
    const ids = [];
    let total;
    for await (const page of await client.models.list({ limit })) {
      ids.push(...page.result.data.map((model) => model.id));
      total = page.result.totalCount;
    }
    assert.deepEqual(rig.LISTED.filter((id) => !ids.includes(id)), []);
    assert.deepEqual([ids.length, new Set(ids).size], [total, total]);
  };
  check("models", `it lists them page by page, ${limit ?? "as many as it likes"} at a time`, run);
}

for (const model of rig.LISTED) {
  const run = async () => {
    const [author, slug] = model.split("/");
    const { data } = await client.models.get({ author, slug });
    assert.equal(data.id, model);
    assert.ok(Number(data.pricing.prompt) >= 0);
  };
  check("models", `it gets ${model}`, run);
}

check("models", "it lists a model's endpoints", async () => {
  const { data } = await client.endpoints.list({ author: "sim", slug: "ok" });
  assert.ok(data.endpoints.length > 0);
});

check("models", "an unknown model is its not found error", async () => {
  await assert.rejects(client.models.get({ author: "sim", slug: "none" }), errors.NotFoundResponseError);
});
