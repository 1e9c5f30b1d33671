// OpenAI's official client.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import * as rig from "./rig.mjs";

const check = rig.checks("`openai`", "openai");
const client = new OpenAI({ baseURL: rig.gateway.v1, apiKey: rig.gateway.key });
const ask = (model, more = {}) => client.chat.completions.create({ model, messages: rig.MESSAGES, ...more });

check("plain", "it gets an answer and its usage", async () => {
  const answer = await ask("sim/ok");
  assert.equal(answer.choices[0].message.content, rig.ANSWER);
  assert.ok(answer.usage.total_tokens > 0);
});

for (const asksForUsage of [true, false]) {
  check("stream", `it gets a stream with the usage, asked for: ${asksForUsage}`, async () => {
    const options = asksForUsage ? { stream_options: { include_usage: true } } : {};
    const chunks = [];
    for await (const chunk of await ask("sim/ok", { stream: true, ...options })) chunks.push(chunk);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    assert.equal(choices.map((choice) => choice.delta.content ?? "").join(""), rig.ANSWER);
    assert.deepEqual(choices.map((choice) => choice.finish_reason).filter(Boolean), ["stop"]);
    assert.ok(chunks.at(-1).usage.total_tokens > 0);
  });
}

for (const streamed of [false, true]) {
  check("tools", `a tool's result leads to text, streamed: ${streamed}`, async () => {
    const runner = client.chat.completions.runTools({
      model: "sim/tools",
      messages: rig.MESSAGES,
      stream: streamed,
      tools: [
        {
          type: "function",
          function: { ...rig.WEATHER_TOOL.function, parse: JSON.parse, function: ({ city }) => `rain in ${city}` },
        },
      ],
    });
    assert.equal(await runner.finalContent(), rig.WEATHER);
    const result = runner.messages.find((message) => message.role === "tool");
    assert.equal(result.content, "rain in Oslo");
  });
}

check("structured", "it parses by a zod schema", async () => {
  const answer = await client.chat.completions.parse({
    model: "sim/json",
    messages: rig.MESSAGES,
    response_format: zodResponseFormat(z.object({ city: z.string() }), "city"),
  });
  assert.deepEqual(answer.choices[0].message.parsed, { city: "Canberra" });
});

check("errors", "a wrong key is its authentication error", async () => {
  const wrong = new OpenAI({ baseURL: rig.gateway.v1, apiKey: "wrong" });
  const asked = wrong.chat.completions.create({ model: "sim/ok", messages: rig.MESSAGES });
  await assert.rejects(asked, (error) => error instanceof OpenAI.AuthenticationError && error.code === "invalid_key");
});

check("errors", "a bad field is its bad request error", async () => {
  const asked = ask("sim/ok", { messages: [] });
  await assert.rejects(asked, (error) => error instanceof OpenAI.BadRequestError && error.param === "messages");
});

check("errors", "a rate limit is its rate limit error and not tried again", async () => {
  let sent = 0;
  const counting = client.withOptions({
    fetch: (...request) => {
      sent += 1;
      return fetch(...request);
    },
  });
  const asked = counting.chat.completions.create({ model: rig.limitedModel(1), messages: rig.MESSAGES });
  await assert.rejects(asked, OpenAI.RateLimitError);
  assert.equal(sent, 1);
});

for (const stream of [false, true]) {
  check("errors", `an exhausted chain is its server error and not tried again, streamed: ${stream}`, async () => {
    const called = await rig.upstreamFromNow();
    const isOurs = (error) => error instanceof OpenAI.InternalServerError && error.status === 502;
    await assert.rejects(ask(rig.EXHAUSTED, { stream }), isOurs);
    assert.deepEqual(await called(), rig.EXHAUSTED_CALLS);
  });
}

for (const model of rig.CUT_OFF) {
  check("broken stream", `a cut-off stream throws after its text: ${model}`, async () => {
    let text = "";
    const read = async () => {
      for await (const chunk of await ask(model, { stream: true })) text += chunk.choices[0].delta.content ?? "";
    };
    await assert.rejects(read, (error) => error instanceof OpenAI.APIError && error.message.includes("was cut off"));
    assert.equal(text, rig.CUT_OFF_TEXT);
  });
}

check("fallback", "models are the chain", async () => {
  const called = await rig.upstreamFromNow();
  const answer = await ask(rig.CHAIN[0], { models: rig.CHAIN.slice(1) });
  assert.equal(answer.model, "sim/ok");
  assert.deepEqual(await called(), rig.CHAIN);
});

check("models", "it lists them", async () => {
  const listed = new Map();
  for await (const model of client.models.list()) listed.set(model.id, model);
  assert.deepEqual(rig.LISTED.filter((id) => !listed.has(id)), []);
  assert.deepEqual([listed.get("sim/ok").object, listed.get("sim/ok").owned_by], ["model", "sim"]);
});

for (const model of rig.LISTED) {
  check("models", `it retrieves ${model}`, async () => assert.equal((await client.models.retrieve(model)).id, model));
}

check("models", "an unknown model is its not found error", async () => {
  const isOurs = (error) => error instanceof OpenAI.NotFoundError && error.code === "not_found";
  await assert.rejects(client.models.retrieve("sim/none"), isOurs);
});
