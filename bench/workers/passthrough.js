// The minimal proxy in JavaScript: the baseline of all other contenders.
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const headers = { "content-type": "application/json", authorization: `Bearer ${env.OPENROUTER_API_KEY}` };
    const body = await request.arrayBuffer();
    const reply = await fetch(env.OPENROUTER_BASE_URL + pathname.slice("/v1".length), { method: "POST", headers, body });
    return new Response(reply.body, { status: reply.status, headers: reply.headers });
  },
};
