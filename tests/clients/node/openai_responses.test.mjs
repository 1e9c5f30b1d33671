// OpenAI's official client, with Responses.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import * as rig from "./rig.mjs";

const check = rig.checks("`openai` `responses`", "openai");
const client = new OpenAI({ baseURL: rig.gateway.v1, apiKey: rig.gateway.key });
const ask = (model, more = {}) => client.responses.create({ model, input: rig.QUESTION, ...more });
const tools = [{ type: "function", strict: true, ...rig.WEATHER_TOOL.function }];

check("plain", "it gets an answer and its usage", async () => {
  const answer = await ask("sim/ok");
  assert.deepEqual([answer.output_text, answer.status], [rig.ANSWER, "completed"]);
  assert.ok(answer.usage.total_tokens > 0);
});

for (const model of ["sim/ok", "sim/no-terminal", "sim/no-created", "sim/unnumbered"]) {
  check("stream", `it puts a typed stream together: ${model}`, async () => {
    const answer = await client.responses.stream({ model, input: rig.QUESTION }).finalResponse();
    assert.deepEqual([answer.output_text, answer.status], [rig.ANSWER, "completed"]);
  });
}

check("stream", "it gets a raw stream", async () => {
  const events = [];
  for await (const event of await ask("sim/ok", { stream: true })) events.push(event);
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  assert.equal(deltas.map((event) => event.delta).join(""), rig.ANSWER);
  assert.deepEqual([events[0].type, events.at(-1).type], ["response.created", "response.completed"]);
});

check("tools", "a tool's result leads to text", async () => {
  const first = await ask("sim/tools", { tools });
  const call = first.output.find((item) => item.type === "function_call");
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ["get_weather", { city: "Oslo" }]);
  const result = { type: "function_call_output", call_id: call.call_id, output: "rain" };
  const input = [...rig.MESSAGES, ...first.output, result];
  assert.equal((await ask("sim/tools", { tools, input })).output_text, rig.WEATHER);
});

check("structured", "it parses by a zod schema", async () => {
  const format = zodTextFormat(z.object({ city: z.string() }), "city");
  const answer = await client.responses.parse({ model: "sim/json", input: rig.QUESTION, text: { format } });
  assert.deepEqual(answer.output_parsed, { city: "Canberra" });
});

check("errors", "a wrong key is its authentication error", async () => {
  const wrong = client.withOptions({ apiKey: "wrong" });
  const asked = wrong.responses.create({ model: "sim/ok", input: rig.QUESTION });
  await assert.rejects(asked, (error) => error instanceof OpenAI.AuthenticationError && error.code === "invalid_key");
});

check("errors", "a stored response is its bad request error", async () => {
  const isOurs = (error) => error instanceof OpenAI.BadRequestError && error.param === "store";
  await assert.rejects(ask("sim/ok", { store: true }), isOurs);
});

check("errors", "a rate limit is its rate limit error and not tried again", async () => {
  const called = await rig.upstreamFromNow();
  await assert.rejects(ask(rig.limitedModel(6)), OpenAI.RateLimitError);
  assert.equal((await called()).length, 1);
});

for (const stream of [false, true]) {
  check("errors", `an exhausted chain is its server error and not tried again, streamed: ${stream}`, async () => {
    const called = await rig.upstreamFromNow();
    const isOurs = (error) => error instanceof OpenAI.InternalServerError && error.status === 502;
    await assert.rejects(ask(rig.EXHAUSTED, { stream }), isOurs);
    assert.deepEqual(await called(), rig.EXHAUSTED_CALLS);
  });
}

for (const model of [...rig.CUT_OFF, "sim/failed-after-server_error", "sim/error-flat-after"]) {
  check("broken stream", `a cut-off stream throws after its text: ${model}`, async () => {
    let text = "";
    const read = async () => {
      for await (const event of await ask(model, { stream: true }))
        if (event.type === "response.output_text.delta") text += event.delta;
    };
    await assert.rejects(read, (error) => error instanceof OpenAI.APIError && error.message.includes("was cut off"));
    assert.equal(text, rig.CUT_OFF_TEXT);
  });
}

check("fallback", "models are the chain", async () => {
  const called = await rig.upstreamFromNow();
  assert.equal((await ask(rig.CHAIN[0], { models: rig.CHAIN.slice(1) })).model, "sim/ok");
  assert.deepEqual(await called(), rig.CHAIN);
});

check("models", "it lists them", undefined, { skip: "as `openai`" });
