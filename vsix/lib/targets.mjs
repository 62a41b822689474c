// The platforms a package can be made for: VS Code's name and Rust's.
import { Complaint, run, which } from "./host.mjs";

const TRIPLES = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "linux-armhf": "armv7-unknown-linux-gnueabihf",
  "alpine-x64": "x86_64-unknown-linux-musl",
  "alpine-arm64": "aarch64-unknown-linux-musl",
  "darwin-x64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
  "win32-x64": "x86_64-pc-windows-msvc",
  "win32-arm64": "aarch64-pc-windows-msvc",
};

/** A platform by VS Code's name. */
export function target(name) {
  const triple = TRIPLES[name];
  if (triple === undefined) {
    throw new Complaint(`there is no platform ${name}; there are: ${Object.keys(TRIPLES).join(", ")}`);
  }
  return { name, triple, executable: name.startsWith("win32") ? "bpf-analyzer.exe" : "bpf-analyzer" };
}

/** The platform of this machine. */
export function hostTarget() {
  const triple = /^host: (.*)$/m.exec(run(cargoTool("rustc"), ["-vV"]))?.[1];
  const name = Object.keys(TRIPLES).find((key) => TRIPLES[key] === triple);
  if (name === undefined) {
    throw new Complaint(`there is no package of the extension for ${triple}`);
  }
  return target(name);
}

/** The path of cargo or rustc. */
export function cargoTool(name) {
  const found = which(name);
  if (found === undefined) {
    throw new Complaint(`${name} is missing; install Rust from https://rustup.rs`);
  }
  return found;
}

/** Whether the bytes look like a program for the platform. */
export function isProgramFor(bytes, { name }) {
  if (name.startsWith("linux") || name.startsWith("alpine")) {
    const machines = { x64: 62, arm64: 183, armhf: 40 };
    const isElf = bytes.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"));
    return isElf && bytes.readUInt16LE(18) === machines[name.split("-")[1]];
  }
  if (name.startsWith("win32")) {
    return bytes.subarray(0, 2).toString("latin1") === "MZ";
  }
  return bytes.readUInt32LE(0) === 0xfeedfacf;
}
