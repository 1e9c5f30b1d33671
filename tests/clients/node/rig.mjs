// What the client tests use: the gateway, the journal of the simulated OpenRouter behind it, and `checks`, which
// records each test's result for the README's table.

import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { test } from "node:test";

const { CLIENTS_GATEWAY: url, CLIENTS_KEY: key, CLIENTS_SIMULATOR: simulator, CLIENTS_RESULTS: results } = process.env;

export const gateway = { url, key, v1: `${url}/v1`, apiV1: `${url}/api/v1` };

export const QUESTION = "What is the capital of Australia?";
export const ANSWER = "Canberra is the capital of Australia.";
export const WEATHER = "It is raining in Oslo.";
export const MESSAGES = [{ role: "user", content: QUESTION }];
export const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const WEATHER_TOOL = {
  type: "function",
  function: { name: "get_weather", description: "The weather in a city.", parameters: CITY },
};

export const EXHAUSTED = "sim/status-502";
// The gateway retries the last model once. More calls would be the client's own retries.
export const EXHAUSTED_CALLS = [EXHAUSTED, EXHAUSTED];
// Both send three pieces of text. Then the first sends an error, and the second just ends.
export const CUT_OFF = ["sim/error-mid", "sim/cut-after"];
export const CUT_OFF_TEXT = "Canberra is the capital";
export const CHAIN = ["sim/status-503", "sim/ok"];
// Some of the listed models: their ids contain all characters that a URL may have to encode.
export const LISTED = ["sim/ok", "sim/ok:free", "~anthropic/claude-sonnet-latest"];

// The gateway skips a model during its cooldown, so each test uses another model.
export const limitedModel = (number) => `sim/retry-after-${3000 + number}`;

async function entries() {
  return (await (await fetch(`${simulator}/sim/log`)).json()).entries;
}

// Returns a function that returns the models that were called since then, in order.
export async function upstreamFromNow() {
  const since = (await entries()).at(-1)?.seq ?? 0;
  return async () =>
    (await entries()).filter((entry) => entry.seq > since && entry.method === "POST").map((entry) => entry.model);
}

// Returns a function that returns the bodies that arrived upstream since then, in order.
export async function bodiesFromNow() {
  const since = (await entries()).at(-1)?.seq ?? 0;
  return async () =>
    (await entries()).filter((entry) => entry.seq > since && entry.method === "POST").map((entry) => entry.body);
}

function versionOf(packageName) {
  const file = new URL(`node_modules/${packageName}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}

// Returns a function that adds a test to a column of the client's row in the table of texts.
export const checks = (client, ...packageNames) => checksOf("texts", client, ...packageNames);

// Returns a function that adds a test to a column of the client's row; the version is that of its packages.
// `expectedToFail` is the reason why a test must fail; it is an error if it passes. `skip` is the reason why a test is
// not run.
export function checksOf(table, client, ...packageNames) {
  const version = packageNames.map(versionOf).join(", ");
  const record = (column, outcome, remark) =>
    appendFileSync(results, `${JSON.stringify({ table, client: `Node ${client}`, version, column, outcome, remark })}\n`);
  return (column, name, run, { remark = "", expectedToFail = "", skip = "" } = {}) =>
    test(`${client}: ${name}`, async () => {
      if (skip) return record(column, "skipped", skip);
      if (expectedToFail) {
        await assert.rejects(run, "it was expected to fail");
        return record(column, "no", expectedToFail);
      }
      await run().catch((error) => {
        record(column, "failed", "");
        throw error;
      });
      return record(column, "passed", remark);
    });
}
