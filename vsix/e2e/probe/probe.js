// Runs in the extension host: takes functions from the test over HTTP, calls them with the API of the editor,
// and sends back what they return.
const vscode = require("vscode");

const AsyncFunction = (async () => {}).constructor;

exports.activate = () => {
  const address = process.env.BPF_ANALYZER_PROBE;
  if (address !== undefined) {
    void serve(address);
  }
};

async function serve(address) {
  for (;;) {
    const { id, source, argument } = await (await fetch(`${address}/next`)).json();
    let answer;
    try {
      const call = new AsyncFunction("vscode", "argument", `return (${source})(vscode, argument);`);
      answer = { id, value: (await call(vscode, argument)) ?? null };
    } catch (error) {
      answer = { id, error: String(error?.stack ?? error) };
    }
    await fetch(`${address}/answer`, { method: "POST", body: JSON.stringify(answer) });
  }
}
