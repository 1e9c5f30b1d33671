// OpenAI's official client, with completions, images and audio.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import OpenAI, { toFile } from "openai";
import * as rig from "./rig.mjs";

const client = new OpenAI({ baseURL: rig.gateway.v1, apiKey: rig.gateway.key });
const wrong = client.withOptions({ apiKey: "wrong" });
const isPng = (picture) => Buffer.from(picture, "base64").subarray(1, 4).toString() === "PNG";

// Expects the error of an exhausted chain, and no calls beyond the gateway's own.
async function isExhausted(ask) {
  const called = await rig.upstreamFromNow();
  await assert.rejects(ask, OpenAI.InternalServerError);
  assert.deepEqual(await called(), rig.EXHAUSTED_CALLS);
}

const text = rig.checks("`openai` `completions`", "openai");
const complete = (model, more = {}) => client.completions.create({ model, prompt: rig.QUESTION, ...more });

text("plain", "it gets a text and its usage", async () => {
  const answer = await complete("sim/ok");
  assert.equal(answer.choices[0].text, rig.ANSWER);
  assert.ok(answer.usage.total_tokens > 0);
});

text("stream", "it gets a stream", async () => {
  let got = "";
  for await (const chunk of await complete("sim/ok", { stream: true })) got += chunk.choices[0]?.text ?? "";
  assert.equal(got, rig.ANSWER);
});

text("tools", "it calls no tools", undefined, { skip: "no such field" });
text("structured", "it asks for no schema", undefined, { skip: "no such field" });
text("errors", "an exhausted chain is its server error", () => isExhausted(() => complete(rig.EXHAUSTED)));

for (const model of rig.CUT_OFF) {
  text("broken stream", `a cut-off stream throws after its text: ${model}`, async () => {
    let got = "";
    const read = async () => {
      for await (const chunk of await complete(model, { stream: true })) got += chunk.choices[0]?.text ?? "";
    };
    await assert.rejects(read, (error) => error instanceof OpenAI.APIError && error.message.includes("was cut off"));
    assert.equal(got, rig.CUT_OFF_TEXT);
  });
}

text("fallback", "models are the chain", async () => {
  const called = await rig.upstreamFromNow();
  assert.equal((await complete(rig.CHAIN[0], { models: rig.CHAIN.slice(1) })).model, "sim/ok");
  assert.deepEqual(await called(), rig.CHAIN);
});

text("models", "it lists them", undefined, { skip: "as `openai`" });

const pictures = rig.checksOf("images", "`openai`", "openai");
const PAINTER = "openai/gpt-image-1";
const paint = (model, more = {}) => client.images.generate({ model, prompt: "A red panda", ...more });

pictures("plain", "it gets as many pictures as it asks for", async () => {
  const { data } = await paint(PAINTER, { n: 2 });
  assert.deepEqual(data.map((each) => isPng(each.b64_json)), [true, true]);
});

pictures("stream", "it gets partial pictures and the last one", async () => {
  const events = [];
  for await (const event of await paint(PAINTER, { stream: true })) events.push(event);
  assert.equal(events.at(-1).type, "image_generation.completed");
  assert.ok(isPng(events.at(-1).b64_json));
});

pictures("errors", "an exhausted chain is its server error", () => isExhausted(() => paint(rig.EXHAUSTED)));

for (const model of ["sim/image-not-completed", "sim/image-error-word"]) {
  pictures("broken stream", `a stream without its last picture throws: ${model}`, async () => {
    const read = async () => {
      for await (const _ of await paint(model, { stream: true }));
    };
    await assert.rejects(read, OpenAI.APIError);
  });
}

pictures("fallback", "models are the chain", async () => {
  const called = await rig.upstreamFromNow();
  assert.ok(isPng((await paint("sim/status-503", { models: [PAINTER] })).data[0].b64_json));
  assert.deepEqual(await called(), ["sim/status-503", PAINTER]);
});

const audio = rig.checksOf("audio", "`openai`", "openai");
const [VOICE, EAR] = ["openai/gpt-4o-mini-tts-2025-12-15", "openai/whisper-large-v3"];
const RECORDING = Buffer.concat([Buffer.from("RIFF"), Buffer.from(Array.from({ length: 100_000 }, (_, n) => n % 256))]);
const DIGEST = createHash("sha256").update(RECORDING).digest("hex");
const speak = (model, more = {}) => client.audio.speech.create({ model, voice: "alloy", input: "The sea is calm.", response_format: "wav", ...more });
const hear = async (model, more = {}, asked = client) =>
  asked.audio.transcriptions.create({ model, file: await toFile(RECORDING, "a.wav"), ...more });

audio("transcription", "its file arrives unchanged", async () => {
  assert.ok((await hear(EAR)).text.includes(DIGEST));
});

audio("speech", "it gets audio", async () => {
  const answer = Buffer.from(await (await speak(VOICE)).arrayBuffer());
  assert.equal(answer.subarray(0, 4).toString(), "RIFF");
});

audio("streamed speech", "it gets audio in pieces", async () => {
  const pieces = [];
  for await (const piece of (await speak("sim/drip-7ms")).body) pieces.push(piece);
  assert.equal(Buffer.concat(pieces).subarray(0, 4).toString(), "RIFF");
});

audio("errors", "a wrong key is its authentication error", async () => {
  await assert.rejects(hear(EAR, {}, wrong), OpenAI.AuthenticationError);
});
audio("errors", "an exhausted chain is its server error", () => isExhausted(() => speak(rig.EXHAUSTED)));

audio("fallback", "models are the chain", async () => {
  const called = await rig.upstreamFromNow();
  assert.ok(await speak("sim/status-503", { models: [VOICE] }));
  assert.deepEqual(await called(), ["sim/status-503", VOICE]);
});
