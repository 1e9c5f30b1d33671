// Loaded into the 2024 wrangler before its own code (node --require). It changes two things.
//
// The Worker learns which host a client asked for.
// Miniflare takes a request's URL from the header MF-Original-URL, and writes that URL's host over the Host header. Any
// web page can set the header for a host name of its own that leads to 127.0.0.1 (DNS rebinding), and its request then
// looks local. Only wrangler's proxy, its first Worker, still sees what the client sent. So this puts a module before the
// proxy that adds the client's Host header to X-Forwarded-Host, which `gateway/access/loopback.py` reads.
//
// A start asks no server. Miniflare would ask Cloudflare for an example of `request.cf`, once for each of its processes,
// before the Worker loads. Where names do not resolve, that takes as long as the resolver likes. No code reads that object.
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

const changed = (options) => ({ ...options, cf: false, ...(options.workers && { workers: options.workers.map(withHost) }) });

let replacement;

function replace(miniflare) {
  class Miniflare extends miniflare.Miniflare {
    constructor(options) {
      super(changed(options));
    }

    setOptions(options) {
      return super.setOptions(changed(options));
    }
  }
  return Object.create(miniflare, { Miniflare: { value: Miniflare, enumerable: true } });
}

const load = Module._load;
Module._load = function (name, ...rest) {
  const loaded = load.call(this, name, ...rest);
  if (name !== "miniflare") return loaded;
  replacement ??= replace(loaded);
  return replacement;
};
