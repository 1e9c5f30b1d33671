// Runs the unchanged src/entry.py on a Pyodide of npm under Node: production's Python, FFI and `workers` SDK.
//
// The configuration is JSON in the environment variable NODE_HOST:
//   pyodide: the npm package; src, sdk: folders; port: on loopback; vars: what the Worker finds in `env`;
//   cache: whether there is a Cache API;
//   kv, d1: names of bindings (real ones, from miniflare); stored: for each key that KV holds from
//   the start the file with its value; migrations: the statements that make each D1's tables.
// Beside the Worker's own routes: GET /__host/stats; GET /__host/kv/NAME/KEY for what KV holds;
// POST /__host/d1/NAME runs the SQL in its body and shows the rows; POST /__host/d1-is/STATE lets every D1 be
// `up`, `down` (fails at once), `slow` (answers after a minute) or `late` (after half a second) for the Worker;
// and GET /__scheduled?cron=… plays the cron trigger.
import fs from "node:fs";
import http from "node:http";
import { Readable } from "node:stream";

const config = JSON.parse(process.env.NODE_HOST);
delete process.env.NODE_HOST;

const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "expect", "te"]);
const stats = { pending_waits: 0, active_requests: 0 };
const databases = {};
const SLOW_MS = { up: 0, late: 500, slow: 60_000 };
let d1State = "up";

// A fault that nobody awaits ends an isolate's request, not the isolate: it is told, and the host lives on.
// A Python error's message is its traceback; its stack goes on with the frames of WebAssembly.
const tell = (what, error) => console.log(`${what} ${(error?.name === "PythonError" ? error.message : error?.stack) ?? error}`);
process.on("unhandledRejection", (error) => tell("UNHANDLED", error));
process.on("uncaughtException", (error) => tell("UNHANDLED", error));

class ExecutionContext {
  props = {};
  passThroughOnException() {}
  waitUntil(promise) {
    stats.pending_waits += 1;
    Promise.resolve(promise)
      .catch((error) => tell("UNHANDLED in waitUntil", error))
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
    bindings[name] = moody(databases[name]);
  }
  if (config.cache) {
    const cache = (await store.getCaches()).default;
    // Miniflare takes its own kind of response only.
    const put = async (url, { headers, body }) => cache.put(url, new MiniflareResponse(body, { headers: [...headers] }));
    globalThis.caches = { default: { put, match: (url) => cache.match(url) } };
  }
  return { bindings, close: () => store.dispose() };
}

// What the Worker is given of a database: one that can be down or slow.
function moody(database) {
  return {
    prepare: (sql) => database.prepare(sql),
    async batch(statements) {
      if (d1State === "down") throw new Error("D1_ERROR: the database is down");
      if (SLOW_MS[d1State]) await new Promise((resume) => setTimeout(resume, SLOW_MS[d1State]));
      return database.batch(statements);
    },
  };
}

async function startPython(env) {
  const { loadPyodide } = await import(config.pyodide);
  const python = await loadPyodide({ env: { HOME: "/session", PYTHONDONTWRITEBYTECODE: "1" } });
  for (const [place, folder] of [["/session/metadata", config.src], ["/session/sdk", config.sdk]]) {
    python.FS.mkdirTree(place);
    python.mountNodeFS(place, folder);
  }
  // What the runtime gives the SDK: the same modules, with as much behind them as the SDK uses here.
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
from workers import Request, python_to_rpc

async def dispatch(request, env, ctx):
    return python_to_rpc(await entry.Default(ctx, env).fetch(Request(request)))

async def scheduled(controller, env, ctx):
    await entry.Default(ctx, env).scheduled(controller)

has_scheduled = hasattr(entry.Default, "scheduled")
`);
  return Object.fromEntries(["dispatch", "scheduled", "has_scheduled"].map((name) => [name, python.globals.get(name)]));
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
  // Node's own Request.signal follows another only weakly, and may be collected before it fires.
  return Object.defineProperty(request, "signal", { value: signal });
}

async function send(response, outgoing, gone) {
  outgoing.statusCode = response.status;
  if (response.statusText) outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value); // set-cookie: one by one
  outgoing.flushHeaders();
  if (!response.body || outgoing.req.method === "HEAD") {
    await response.body?.cancel();
    return void outgoing.end();
  }
  const reader = response.body.getReader();
  const leave = () => reader.cancel(gone.reason).catch(() => {}); // an upstream that ends in error was left too
  if (gone.aborted) return void leave();
  gone.addEventListener("abort", leave);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (outgoing.write(part.value) || gone.aborted) continue;
      await new Promise((resume) => outgoing.once("drain", resume).once("close", resume));
    }
  } catch (error) {
    tell("BODY BROKE", error); // workerd too ends such a response as if it were whole
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
    tell("UNHANDLED in fetch", error);
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
    tell("UNHANDLED in scheduled", error);
    outgoing.writeHead(500).end("Worker threw exception");
  }
}

async function showKv(path, outgoing) {
  const [name, key] = path.split("/");
  outgoing.end((await env[name].get(key)) ?? "");
}

async function runSql(name, incoming, outgoing) {
  const pieces = [];
  for await (const piece of incoming) pieces.push(piece);
  const { results } = await databases[name].prepare(Buffer.concat(pieces).toString()).all();
  outgoing.end(JSON.stringify(results));
}

function route(incoming, outgoing) {
  const url = new URL(incoming.url, "http://host");
  if (url.pathname === "/__host/stats") return outgoing.end(JSON.stringify(stats));
  if (url.pathname.startsWith("/__host/kv/")) return showKv(url.pathname.slice(11), outgoing);
  if (url.pathname.startsWith("/__host/d1/")) return runSql(url.pathname.slice(11), incoming, outgoing);
  if (url.pathname.startsWith("/__host/d1-is/")) return outgoing.end((d1State = url.pathname.slice(14)));
  if (url.pathname === "/__scheduled") return playCron(url, outgoing);
  return serve(incoming, outgoing);
}

globalThis.IdentityTransformStream ??= class IdentityTransformStream extends TransformStream {};
const env = { ...config.vars };
const [store, worker] = await Promise.all([openBindings(), startPython(env)]).catch((error) => {
  tell("the Worker did not start:", error);
  process.exit(1);
});
Object.assign(env, store.bindings);

const server = http.createServer({ requestTimeout: 0 }, route);
server.listen(config.port, "127.0.0.1", () => console.log(`host listening on http://127.0.0.1:${config.port}`));
process.on("SIGTERM", async () => {
  server.close();
  server.closeAllConnections();
  await store.close();
  process.exit(0);
});
