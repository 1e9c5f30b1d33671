// Runs the unchanged src/entry.py on an npm Pyodide under Node: with production's Python, FFI and `workers` SDK.
//
// The configuration is JSON in the environment variable NODE_HOST:
//   pyodide: the npm package; snapshot: the file with its memory after it has started, which the first start writes;
//   src, sdk: folders; port: on loopback; vars: the settings in `env`;
//   cache: whether there is a Cache API;
//   kv, d1: names of bindings (miniflare provides real ones); stored: for each key that KV contains from
//   the start, the file with its value; migrations: the SQL statements that create each D1's tables;
//   objects: the folder of the Durable Objects that run in this process; coordinator: the URL of a process with objects,
//   which the Worker gets as the binding COORDINATOR; see durable_objects.mjs.
// Routes in addition to the Worker's: GET /__host/stats; GET /__host/kv/NAME/KEY returns a value in KV;
// POST /__host/d1/NAME runs the SQL in its body and returns the rows; POST /__host/d1-is/STATE sets how every D1
// answers the Worker: `up`, `down` (fails at once), `slow` (after a minute) or `late` (after half a second);
// POST /__object/NAME/METHOD calls an object; POST /__host/objects-are/STATE sets how all objects answer, and
// POST /__host/objects-restart ends their instances; POST /__host/object-sql/NAME runs SQL in an object's storage;
// and GET /__scheduled?cron=… runs the cron trigger.
import fs from "node:fs";
import http from "node:http";
import { Readable } from "node:stream";

import { Objects, namespaceAt } from "./durable_objects.mjs";
import "./patient_wait.mjs";

const config = JSON.parse(process.env.NODE_HOST);
delete process.env.NODE_HOST;

const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "expect", "te"]);
const stats = { pending_waits: 0, active_requests: 0 };
const databases = {};
const SLOW_MS = { up: 0, late: 500, slow: 60_000 };
let d1State = "up";

// An unhandled rejection ends a request in production, not the isolate: log it, and keep the host running.
// A Python error's message is its traceback; its stack also has the frames of WebAssembly.
const log = (what, error) => console.log(`${what} ${(error?.name === "PythonError" ? error.message : error?.stack) ?? error}`);
process.on("unhandledRejection", (error) => log("UNHANDLED", error));
process.on("uncaughtException", (error) => log("UNHANDLED", error));

class ExecutionContext {
  props = {};
  passThroughOnException() {}
  waitUntil(promise) {
    stats.pending_waits += 1;
    Promise.resolve(promise)
      .catch((error) => log("UNHANDLED in waitUntil", error))
      .finally(() => (stats.pending_waits -= 1));
  }
}

async function openBindings() {
  const { kv = [], d1 = [], stored = {} } = config;
  if (!kv.length && !d1.length && !config.cache) return { bindings: {}, close: async () => {} };
  const { Miniflare, Response: MiniflareResponse } = await import("miniflare");
  const script = "export default { fetch() { return new Response(null, { status: 404 }) } }";
  const names = { kvNamespaces: kv, d1Databases: d1 };
  const store = new Miniflare({ modules: true, script, host: "127.0.0.1", port: 0, cf: false, ...names });
  const bindings = {};
  for (const name of kv) {
    bindings[name] = await store.getKVNamespace(name);
    for (const [key, file] of Object.entries(stored)) await bindings[name].put(key, fs.readFileSync(file, "utf8"));
  }
  for (const name of d1) {
    databases[name] = await store.getD1Database(name);
    for (const statement of config.migrations) await databases[name].prepare(statement).run();
    bindings[name] = withState(databases[name]);
  }
  if (config.cache) {
    const cache = (await store.getCaches()).default;
    // Miniflare accepts its own Response class only.
    const put = async (url, { headers, body }) => cache.put(url, new MiniflareResponse(body, { headers: [...headers] }));
    globalThis.caches = { default: { put, match: (url) => cache.match(url) } };
  }
  return { bindings, close: () => store.dispose() };
}

// The database as the Worker gets it: `d1State` can make it fail or slow.
function withState(database) {
  return {
    prepare: (sql) => database.prepare(sql),
    async batch(statements) {
      if (d1State === "down") throw new Error("D1_ERROR: the database is down");
      if (SLOW_MS[d1State]) await new Promise((resume) => setTimeout(resume, SLOW_MS[d1State]));
      return database.batch(statements);
    },
  };
}

// A start from a snapshot takes a seventh of the CPU time. Only the interpreter is in it: no module of the gateway, of its
// SDK or of the standard library beyond those that Pyodide itself imports.
async function loadPython() {
  const { loadPyodide } = await import(config.pyodide);
  const options = { env: { HOME: "/session", PYTHONDONTWRITEBYTECODE: "1" } };
  if (!fs.existsSync(config.snapshot)) {
    const written = `${config.snapshot}.${process.pid}`;
    fs.writeFileSync(written, (await loadPyodide({ ...options, _makeSnapshot: true })).makeMemorySnapshot());
    fs.renameSync(written, config.snapshot);
  }
  return loadPyodide({ ...options, _loadSnapshot: fs.readFileSync(config.snapshot) });
}

async function startPython(env) {
  const python = await loadPython();
  for (const [place, folder] of [["/session/metadata", config.src], ["/session/sdk", config.sdk]]) {
    python.FS.mkdirTree(place);
    python.mountNodeFS(place, folder);
  }
  // The modules that the runtime provides for the SDK, with the parts that the SDK uses here.
  python.registerJsModule("_pyodide_entrypoint_helper", {
    cloudflareWorkersModule: { env },
    cloudflareSocketsModule: {},
    doAnImport: (name) => import(name),
    patchWaitUntil() {},
  });
  python.registerJsModule("_cloudflare_compat_flags", {
    python_request_headers_preserve_commas: true,
    python_workflows_implicit_dependencies: true,
  });
  await python.runPythonAsync(`
import sys
sys.path[:0] = ["/session/metadata", "/session/sdk"]
import entry
from workers import Request, python_from_rpc, python_to_rpc

async def dispatch(request, env, ctx):
    return python_to_rpc(await entry.Default(ctx, env).fetch(Request(request)))

async def scheduled(controller, env, ctx):
    await entry.Default(ctx, env).scheduled(controller)

has_scheduled = hasattr(entry.Default, "scheduled")

def new_object(ctx, env):
    return entry.Coordinator(ctx, env)

async def call_object(instance, method, text):
    return python_to_rpc(await getattr(instance, method)(python_from_rpc(text)))

async def alarm_of_object(instance):
    await instance.alarm({"isRetry": False, "retryCount": 0})
`);
  const names = ["dispatch", "scheduled", "has_scheduled", "new_object", "call_object", "alarm_of_object"];
  return Object.fromEntries(names.map((name) => [name, python.globals.get(name)]));
}

function toRequest(incoming, signal) {
  const headers = new Headers();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    const [name, value] = incoming.rawHeaders.slice(i, i + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.append(name, value);
  }
  const { method } = incoming;
  const body = method === "GET" || method === "HEAD" ? undefined : Readable.toWeb(incoming);
  const url = `http://${incoming.headers.host ?? `127.0.0.1:${config.port}`}${incoming.url}`;
  const request = new Request(url, { method, headers, body, duplex: "half", redirect: "manual" });
  // Node's Request.signal holds the given signal weakly, and may be collected before it fires.
  return Object.defineProperty(request, "signal", { value: signal });
}

async function send(response, outgoing, gone) {
  outgoing.statusCode = response.status;
  if (response.statusText) outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value); // several set-cookie headers stay separate
  outgoing.flushHeaders();
  if (!response.body || outgoing.req.method === "HEAD") {
    await response.body?.cancel();
    return void outgoing.end();
  }
  const reader = response.body.getReader();
  const leave = () => reader.cancel(gone.reason).catch(() => {}); // an upstream that ended in an error counts as left
  if (gone.aborted) return void leave();
  gone.addEventListener("abort", leave);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (outgoing.write(part.value) || gone.aborted) continue;
      await new Promise((resume) => outgoing.once("drain", resume).once("close", resume));
    }
  } catch (error) {
    log("BODY FAILED", error);
    return void outgoing.destroy(); // as workerd: the client sees that the response is incomplete
  }
  outgoing.end();
}

async function serve(incoming, outgoing) {
  const client = new AbortController();
  outgoing.on("close", () => {
    stats.active_requests -= 1;
    if (!outgoing.writableFinished) client.abort(new DOMException("The client has disconnected", "AbortError"));
  });
  stats.active_requests += 1;
  try {
    const request = toRequest(incoming, client.signal);
    await send(await worker.dispatch(request, env, new ExecutionContext()), outgoing, client.signal);
  } catch (error) {
    log("UNHANDLED in fetch", error);
    if (!outgoing.headersSent) outgoing.writeHead(500, { "content-type": "text/plain" });
    outgoing.end("Worker threw exception");
  }
}

async function playCron(url, outgoing) {
  if (!worker.has_scheduled) return outgoing.writeHead(404).end("no scheduled handler");
  const controller = { cron: url.searchParams.get("cron") ?? "* * * * *", scheduledTime: Date.now(), noRetry() {} };
  try {
    await worker.scheduled(controller, env, new ExecutionContext());
    outgoing.end("ran");
  } catch (error) {
    log("UNHANDLED in scheduled", error);
    outgoing.writeHead(500).end("Worker threw exception");
  }
}

async function showKv(path, outgoing) {
  const [name, key] = path.split("/");
  outgoing.end((await env[name].get(key)) ?? "");
}

async function textOf(incoming) {
  const pieces = [];
  for await (const piece of incoming) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function runSql(name, incoming, outgoing) {
  const { results } = await databases[name].prepare(await textOf(incoming)).all();
  outgoing.end(JSON.stringify(results));
}

async function callObject(target, incoming, outgoing) {
  const [name, method] = target.split("/").map(decodeURIComponent);
  try {
    outgoing.end(await objects.serve(name, method, await textOf(incoming)));
  } catch (error) {
    const { message, overloaded = false, retryable = false } = error;
    const remote = error.name === "PythonError"; // raised by the object's own code
    if (remote) log("UNHANDLED in an object", error);
    outgoing.writeHead(500).end(JSON.stringify({ message, overloaded, retryable, remote }));
  }
}

async function runObjectSql(name, incoming, outgoing) {
  outgoing.end(JSON.stringify(objects.named(decodeURIComponent(name)).rows(await textOf(incoming))));
}

function restartObjects(outgoing) {
  objects.resetAll();
  outgoing.end(JSON.stringify(objects.names));
}

function route(incoming, outgoing) {
  const url = new URL(incoming.url, "http://host");
  if (url.pathname === "/__host/stats") return outgoing.end(JSON.stringify(stats));
  if (url.pathname.startsWith("/__host/kv/")) return showKv(url.pathname.slice(11), outgoing);
  if (url.pathname.startsWith("/__host/d1/")) return runSql(url.pathname.slice(11), incoming, outgoing);
  if (url.pathname.startsWith("/__host/d1-is/")) return outgoing.end((d1State = url.pathname.slice(14)));
  if (url.pathname.startsWith("/__object/")) return callObject(url.pathname.slice(10), incoming, outgoing);
  if (url.pathname.startsWith("/__host/objects-are/")) return outgoing.end((objects.state = url.pathname.slice(20)));
  if (url.pathname === "/__host/objects-restart") return restartObjects(outgoing);
  if (url.pathname.startsWith("/__host/object-sql/")) return runObjectSql(url.pathname.slice(19), incoming, outgoing);
  if (url.pathname === "/__scheduled") return playCron(url, outgoing);
  return serve(incoming, outgoing);
}

globalThis.FixedLengthStream ??= class FixedLengthStream extends TransformStream {
  constructor(length) {
    let left = length;
    const check = (isWrong) => {
      if (isWrong) throw new TypeError("FixedLengthStream got another number of bytes");
    };
    super({
      transform(piece, controller) {
        check((left -= piece.byteLength) < 0);
        controller.enqueue(piece);
      },
      flush: () => check(left > 0),
    });
  }
};
globalThis.IdentityTransformStream ??= class IdentityTransformStream extends TransformStream {};
const env = { ...config.vars };
const [store, worker] = await Promise.all([openBindings(), startPython(env)]).catch((error) => {
  log("the Worker did not start:", error);
  process.exit(1);
});
Object.assign(env, store.bindings);
if (config.coordinator) env.COORDINATOR = namespaceAt(config.coordinator);
const objects = config.objects ? new Objects(config.objects, worker, env, log) : null;

const server = http.createServer({ requestTimeout: 0 }, route);
server.listen(config.port, "127.0.0.1", () => console.log(`host listening on http://127.0.0.1:${config.port}`));
process.on("SIGTERM", async () => {
  server.close();
  server.closeAllConnections();
  await store.close();
  process.exit(0);
});
