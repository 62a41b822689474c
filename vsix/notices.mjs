#!/usr/bin/env node
// Prints the licences of the crates that are linked into the program, as Markdown.
//
//   node vsix/notices.mjs --triple x86_64-unknown-linux-gnu
import { parseArgs } from "node:util";

import { Complaint, main } from "./lib/host.mjs";
import { linkedCrates, notices } from "./lib/notices.mjs";

await main(() => {
  const { triple } = parseArgs({ options: { triple: { type: "string" } } }).values;
  if (triple === undefined) {
    throw new Complaint("say with --triple for which platform of Rust");
  }
  process.stdout.write(notices(linkedCrates(triple)));
});
