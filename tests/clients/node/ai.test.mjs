// Vercel's AI SDK, with the providers for OpenRouter, for OpenAI-compatible APIs, and for OpenAI, which asks by Responses.

import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { APICallError, Output, generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";
import * as rig from "./rig.mjs";

const providers = {
  "@openrouter/ai-sdk-provider": {
    number: 3,
    make: (apiKey) => createOpenRouter({ baseURL: rig.gateway.apiV1, apiKey }),
    options: (fields) => ({ providerOptions: { openrouter: fields } }),
  },
  "@ai-sdk/openai-compatible": {
    number: 4,
    make: (apiKey) =>
      createOpenAICompatible({
        name: "gateway",
        baseURL: rig.gateway.v1,
        apiKey,
        includeUsage: true,
        supportsStructuredOutputs: true,
      }),
    options: (fields) => ({ providerOptions: { gateway: fields } }),
  },
  "@ai-sdk/openai": {
    number: 5,
    make: (apiKey) => createOpenAI({ baseURL: rig.gateway.v1, apiKey }),
    // Otherwise its second request refers to items of the first answer, which OpenRouter does not store.
    always: { providerOptions: { openai: { store: false } } },
    bad: { providerOptions: { openai: { previousResponseId: "resp_1" } } },
    toolsRemark: "with `store: false`",
  },
};
// By default it retries any 5xx and 429 twice, and there is no header that stops it.
const maxRetries = 0;
const remark = "with `maxRetries: 0`";
const prompt = rig.QUESTION;
const tools = {
  get_weather: tool({
    description: "The weather in a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `rain in ${city}`,
  }),
};
const coderTools = {
  Read: tool({ inputSchema: z.object({ file_path: z.string() }), execute: async () => "b" }),
  Write: tool({ inputSchema: z.object({ file_path: z.string(), content: z.string() }), execute: async () => "ok" }),
};
const stopWhen = isStepCount(3);

async function partsOf(options) {
  const parts = [];
  for await (const part of streamText({ onError: () => {}, maxRetries, ...options }).fullStream) parts.push(part);
  return parts;
}

const textOf = (parts) => parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");

for (const [name, about] of Object.entries(providers)) {
  const { number, make, options, always = {}, toolsRemark = "" } = about;
  const bad = about.bad ?? options({ gateway: { unknown: 1 } });
  const check = rig.checks(`\`ai\` with \`${name}\``, "ai", name);
  const provider = make(rig.gateway.key);
  const ask = (model, more = {}) => generateText({ model: provider(model), prompt, maxRetries, ...always, ...more });
  const failsWith = (status) => (error) => APICallError.isInstance(error) && error.statusCode === status;

  check("plain", "it gets an answer and its usage", async () => {
    const answer = await ask("sim/ok");
    assert.deepEqual([answer.text, answer.finishReason], [rig.ANSWER, "stop"]);
    assert.ok(answer.usage.totalTokens > 0);
  });

  for (const model of ["sim/ok", "sim/ok-usage-empty-choices"]) {
    check("stream", `it gets a stream with the usage: ${model}`, async () => {
      const parts = await partsOf({ model: provider(model), prompt });
      assert.equal(textOf(parts), rig.ANSWER);
      assert.equal(parts.at(-1).finishReason, "stop");
      assert.ok(parts.at(-1).totalUsage.totalTokens > 0);
    });
  }

  check("tools", "a tool's result leads to text", async () => {
    const answer = await ask("sim/tools", { tools, stopWhen });
    assert.equal(answer.text, rig.WEATHER);
    assert.equal(answer.steps[0].toolResults[0].output, "rain in Oslo");
  });

  check(
    "tools",
    "what it says before a call is sent back in full",
    async () => {
      const bodies = await rig.bodiesFromNow();
      const answer = await ask("sim/coder", { prompt: "FILE=/a OLD=b NEW=c", tools: coderTools, stopWhen });
      assert.match(answer.text, /^Done: /);
      assert.match(JSON.stringify((await bodies()).at(-1)), /I will change it\./);
    },
    { remark: toolsRemark },
  );

  check("tools", "a streamed tool's result leads to text", async () => {
    const parts = await partsOf({ model: provider("sim/tools"), prompt, tools, stopWhen, ...always });
    assert.equal(textOf(parts), rig.WEATHER);
    assert.equal(parts.find((part) => part.type === "tool-result").output, "rain in Oslo");
  });

  check("structured", "it parses by a zod schema", async () => {
    const output = Output.object({ schema: z.object({ city: z.string() }) });
    assert.deepEqual((await ask("sim/json", { output })).output, { city: "Canberra" });
  });

  check("errors", "a wrong key is its call error with 401", async () => {
    await assert.rejects(ask("sim/ok", { model: make("wrong")("sim/ok") }), failsWith(401));
  });

  check("errors", "a bad field is its call error with 400", async () => {
    await assert.rejects(ask("sim/ok", bad), failsWith(400));
  });

  check("errors", "a rate limit is its call error with 429", async () => {
    await assert.rejects(ask(rig.limitedModel(number)), failsWith(429));
  });

  check(
    "errors",
    "an exhausted chain is its call error with 502 and not tried again",
    async () => {
      const called = await rig.upstreamFromNow();
      await assert.rejects(ask(rig.EXHAUSTED), failsWith(502));
      assert.deepEqual(await called(), rig.EXHAUSTED_CALLS);
    },
    { remark },
  );

  for (const model of rig.CUT_OFF) {
    check("broken stream", `a cut-off stream has an error after its text: ${model}`, async () => {
      const parts = await partsOf({ model: provider(model), prompt });
      assert.equal(textOf(parts), rig.CUT_OFF_TEXT);
      assert.match(parts.find((part) => part.type === "error").error.message, /was cut off/);
      assert.equal(parts.at(-1).finishReason, "error");
    });
  }

  const fallback = async () => {
    const called = await rig.upstreamFromNow();
    const answer = await ask(rig.CHAIN[0], options({ models: rig.CHAIN.slice(1) }));
    assert.equal(answer.response.modelId, "sim/ok");
    assert.deepEqual(await called(), rig.CHAIN);
  };
  check("fallback", "models are the chain", fallback, options ? {} : { skip: "no way to add a field" });

  check("models", "it lists them", undefined, { skip: "no such call" });
}
