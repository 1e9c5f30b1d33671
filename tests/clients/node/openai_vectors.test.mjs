// The clients that make vectors: OpenAI's, and Vercel's AI SDK with the provider for OpenAI.

import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, embedMany } from "ai";
import OpenAI from "openai";
import * as rig from "./rig.mjs";

const MODEL = "openai/text-embedding-3-small";
const TEXTS = ["one", "two", "three"];
const isClose = (left, right) => left.every((value, place) => Math.abs(value - right[place]) < 1e-6);

const clients = {
  "`openai`": {
    packages: ["openai"],
    async embed(values, { model = MODEL, apiKey = rig.gateway.key, ...fields } = {}) {
      const client = new OpenAI({ baseURL: rig.gateway.v1, apiKey });
      const { data } = await client.embeddings.create({ model, input: values, ...fields });
      return data.map((row) => row.embedding);
    },
    isError: (error, status) => error instanceof OpenAI.APIError && error.status === status,
  },
  "`ai` with `@ai-sdk/openai`": {
    packages: ["ai", "@ai-sdk/openai"],
    async embed(values, { model = MODEL, apiKey = rig.gateway.key } = {}) {
      const provider = createOpenAI({ baseURL: rig.gateway.v1, apiKey });
      return (await embedMany({ model: provider.textEmbeddingModel(model), values, maxRetries: 0 })).embeddings;
    },
    isError: (error, status) => APICallError.isInstance(error) && error.statusCode === status,
    noField: "no way to add a field",
  },
};

for (const [name, { packages, embed, isError, noField }] of Object.entries(clients)) {
  const check = rig.checksOf("vectors", name, ...packages);

  check("one text", "it gets a vector", async () => {
    const [vector] = await embed(["one"]);
    assert.equal(vector.length, 1536);
  });

  check("batch", "it gets the vectors of a batch in their order", async () => {
    const together = await embed(TEXTS);
    for (const [place, text] of TEXTS.entries()) assert.ok(isClose(together[place], (await embed([text]))[0]));
  });

  check("floats", "it reads floats as it reads base64", async () => {
    const [[floats], [base64]] = [await embed(["one"], { encoding_format: "float" }), await embed(["one"])];
    assert.ok(isClose(floats, base64));
  });

  check("errors", "a wrong key is its error", async () => {
    await assert.rejects(embed(["one"], { apiKey: "wrong" }), (error) => isError(error, 401));
  });

  for (const model of ["sim/vectors-fewer", "sim/vectors-empty", "sim/vectors-unequal"]) {
    check("failed answers", `an answer that is not whole is its error: ${model}`, async () => {
      await assert.rejects(embed(TEXTS, { model }), (error) => isError(error, 502));
    });
  }

  check(
    "no other model",
    "another model is its error",
    async () => {
      const called = await rig.upstreamFromNow();
      const other = embed(TEXTS, { model: "sim/status-502", models: [MODEL] });
      await assert.rejects(other, (error) => isError(error, 400));
      assert.deepEqual(await called(), []);
    },
    { skip: noField },
  );
}
