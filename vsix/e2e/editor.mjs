// VS Code for a test: the server part of code-server, and a page of Chromium with its window.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { Complaint, emptyDirectory, modernNode, run, say, VSIX, which } from "../lib/host.mjs";
import { openLink, until } from "./link.mjs";

const CODE_SERVER = join(VSIX, "node_modules", "code-server");

/** Settings that keep VS Code from doing things by itself, and pictures free of what is not ours. */
const SETTINGS = {
  "breadcrumbs.enabled": false,
  "chat.disableAIFeatures": true,
  "editor.accessibilitySupport": "off",
  "editor.fontFamily": "DejaVu Sans Mono",
  "editor.fontSize": 13,
  "editor.hover.above": false,
  "editor.minimap.enabled": false,
  "editor.occurrencesHighlight": "off",
  "editor.stickyScroll.enabled": false,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "off",
  "files.exclude": { "**/.vscode": true },
  "files.hotExit": "off",
  "git.enabled": false,
  "problems.showCurrentInStatus": false,
  "security.workspace.trust.startupPrompt": "never",
  "telemetry.telemetryLevel": "off",
  "typescript.disableAutomaticTypeAcquisition": true,
  "update.mode": "none",
  "window.commandCenter": false,
  "window.menuBarVisibility": "compact",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.layoutControl.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
};

/** Chromium's program. */
export function chromium() {
  const found = process.env.CHROMIUM ?? which("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");
  if (found === undefined || !existsSync(found)) {
    throw new Complaint("Chromium is missing; on Debian: apt-get install chromium fonts-dejavu-core");
  }
  return found;
}

/** Installs what VS Code itself needs; its packages are locked by code-server. */
export function installEditor() {
  const vscode = join(CODE_SERVER, "lib", "vscode");
  const stamp = join(vscode, "node_modules", ".installed");
  if (!existsSync(stamp)) {
    say("installing VS Code");
    const args = ["install", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    run(which("npm"), args, { cwd: vscode });
    writeFileSync(stamp, "");
  }
  const link = join(vscode, "node_modules.asar");
  if (!existsSync(link)) {
    symlinkSync("node_modules", link);
  }
}

/** Packages the probe. */
export function packProbe(directory) {
  const file = join(directory, "probe.vsix");
  const vsce = join(VSIX, "node_modules", "@vscode", "vsce", "vsce");
  const args = ["package", "--no-dependencies", "--skip-license", "--allow-missing-repository", "--out", file];
  run(modernNode(), [vsce, ...args], { cwd: join(VSIX, "e2e", "probe") });
  return file;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Opens a folder in VS Code with extensions installed. `trusted` false is Restricted Mode. Everything it writes
 * is below `home`.
 */
export async function openEditor({ home, folder, file, extensions, trusted, shots }) {
  emptyDirectory(home);
  mkdirSync(join(home, "data", "User"), { recursive: true });
  mkdirSync(shots, { recursive: true });
  writeFileSync(join(home, "data", "User", "settings.json"), JSON.stringify(SETTINGS, null, 2));
  writeFileSync(join(home, "config.yaml"), "auth: none\ncert: false\n");
  const entry = join(CODE_SERVER, "out", "node", "entry.js");
  const where = ["--config", join(home, "config.yaml"), "--user-data-dir", join(home, "data")];
  where.push("--extensions-dir", join(home, "extensions"));
  const link = await openLink();
  const environment = { ...process.env, BPF_ANALYZER_PROBE: link.address, EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
  // Nothing of the user's own VS Code or home.
  Object.assign(environment, { XDG_CONFIG_HOME: join(home, "config"), XDG_DATA_HOME: join(home, "share"), HOME: home });
  const env = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("VSCODE_")));
  const installs = extensions.flatMap((extension) => ["--install-extension", extension]);
  run(modernNode(), [entry, ...where, ...installs], { env });

  const port = await freePort();
  const args = [entry, ...where, "--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--disable-telemetry"];
  args.push("--disable-update-check", ...(trusted ? ["--disable-workspace-trust"] : []), folder);
  const log = openSync(join(home, "code-server.log"), "w");
  // A group of its own: extension hosts and language servers end with it.
  const server = spawn(modernNode(), args, { env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  const endServer = () => {
    try {
      process.kill(-server.pid, "SIGTERM");
    } catch {
      // It has ended by itself.
    }
  };
  process.on("exit", endServer);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => process.exit(1));
  }

  const { chromium: browser } = await import("playwright-core");
  let context;
  try {
    const healthy = () => fetch(`http://127.0.0.1:${port}/healthz`).then((answer) => answer.ok, () => false);
    await until("code-server", healthy, 60_000);
    context = await browser.launchPersistentContext(join(home, "chromium"), {
      executablePath: chromium(),
      headless: true,
      viewport: { width: 1280, height: 800 },
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const outside = new Set();
    page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      // Resources of webviews have such names; a service worker of the page answers them.
      const ofWebview = hostname.endsWith(".vscode-resource.vscode-cdn.net");
      if (protocol.startsWith("http") && hostname !== "127.0.0.1" && !ofWebview) {
        outside.add(hostname);
      }
    });
    const payload = JSON.stringify([["openFile", `vscode-remote://127.0.0.1:${port}${join(folder, file)}`]]);
    const address = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(payload)}`;
    await page.goto(address, { waitUntil: "domcontentloaded" });
    await page.waitForSelector(".monaco-workbench", { timeout: 60_000 });
    await link.ask(() => true, null, 60_000);
    return {
      page,
      outside,
      ask: link.ask,
      /** Loads the window again, with an extension host of its own. */
      async reload() {
        // The address asks for a file, which would be opened instead of what was open.
        await page.evaluate(() => history.replaceState(null, "", location.href.replace(/&payload=[^&]*/, "")));
        const gone = page.waitForEvent("framenavigated", { predicate: (frame) => frame === page.mainFrame(), timeout: 60_000 });
        link.ask((vscode) => vscode.commands.executeCommand("workbench.action.reloadWindow")).catch(() => {});
        await gone;
        await page.waitForSelector(".monaco-workbench", { timeout: 60_000 });
        await link.ask(() => true, null, 60_000);
      },
      serverLog: () => readFileSync(join(home, "code-server.log"), "utf8"),
      async shot(name) {
        // The pointer and half-drawn hovers move; two frames are enough for the rest.
        await page.waitForTimeout(150);
        await page.screenshot({ path: join(shots, `${name}.png`) });
      },
      async close() {
        await context.close();
        endServer();
        link.close();
      },
    };
  } catch (error) {
    await context?.close();
    endServer();
    link.close();
    throw error;
  }
}
