// The test's end of the line to the probe.
import { createServer } from "node:http";

/** Waits for a value of `get` that is neither false nor undefined. */
export async function until(what, get, limit = 20_000) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await get();
    if (value !== undefined && value !== false && value !== null) {
      return value;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${limit / 1000} s in vain: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Answers the probe's requests for functions to run. */
export async function openLink() {
  const waiting = [];
  const asked = new Map();
  let idle;
  let last = 0;
  const hand = () => {
    if (idle !== undefined && waiting.length > 0) {
      idle.end(JSON.stringify(waiting.shift()));
      idle = undefined;
    }
  };
  const server = createServer(async (request, response) => {
    if (request.url === "/next") {
      idle = response;
      // The extension host has ended, as when the window is loaded again.
      response.on("close", () => {
        idle = idle === response ? undefined : idle;
      });
      hand();
      return;
    }
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    response.end();
    const { id, value, error } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const call = asked.get(id);
    asked.delete(id);
    error === undefined ? call?.resolve(value) : call?.reject(new Error(error));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    /** Calls `work(vscode, argument)` in the extension host. */
    ask(work, argument = null, limit = 30_000) {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error(`no answer within ${limit / 1000} s to ${work}`));
        const timer = setTimeout(late, limit);
        const settle = (done) => (value) => {
          clearTimeout(timer);
          done(value);
        };
        asked.set(id, { resolve: settle(resolve), reject: settle(reject) });
        waiting.push({ id, source: work.toString(), argument });
        hand();
      });
    },
    close() {
      idle?.destroy();
      server.closeAllConnections?.();
      server.close();
    },
  };
}
