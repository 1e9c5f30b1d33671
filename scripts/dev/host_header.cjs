// Loaded into the 2024 wrangler before its own code (node --require): the Worker learns which host a client asked for.
//
// Miniflare takes a request's URL from the header MF-Original-URL, and writes that URL's host over the Host header. Any
// web page can set the header for a host name of its own that leads to 127.0.0.1 (DNS rebinding), and its request then
// looks local. Only wrangler's proxy, its first Worker, still sees what the client sent. So this puts a module before the
// proxy that adds the client's Host header to X-Forwarded-Host, which `gateway/access/loopback.py` reads.
"use strict";

const Module = require("node:module");
const path = require("node:path");

const FORWARD_HOST = `
import proxy, { ProxyWorker } from "./ProxyWorker.js";
export { ProxyWorker };
export default {
  fetch(request, env) {
    const headers = new Headers(request.headers);
    headers.append("x-forwarded-host", request.headers.get("host") ?? "");
    return proxy.fetch(new Request(request, { headers }), env);
  },
};
`;

function withHost(worker) {
  if (worker.name !== "ProxyWorker") return worker;
  const first = { type: "ESModule", path: path.join(worker.modulesRoot, "forward-host.js"), contents: FORWARD_HOST };
  return { ...worker, modules: [first, ...worker.modules] };
}

const withHosts = (options) => (options.workers ? { ...options, workers: options.workers.map(withHost) } : options);

let changed;

function change(miniflare) {
  class Miniflare extends miniflare.Miniflare {
    constructor(options) {
      super(withHosts(options));
    }

    setOptions(options) {
      return super.setOptions(withHosts(options));
    }
  }
  return Object.create(miniflare, { Miniflare: { value: Miniflare, enumerable: true } });
}

const load = Module._load;
Module._load = function (name, ...rest) {
  const loaded = load.call(this, name, ...rest);
  if (name !== "miniflare") return loaded;
  changed ??= change(loaded);
  return changed;
};
