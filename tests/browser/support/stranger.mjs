// An evaluator by somebody else, in another language: docs/protocol/examples/evaluator.py as a maker would run it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT, until } from "./hall.mjs";

export class Stranger {
  /** Started and paired by a technician. */
  static async at(hall, window) {
    const stranger = new Stranger(hall, await mkdtemp(path.join(tmpdir(), "hall-stranger-")));
    stranger.start();
    const code = await stranger.says(/^code (\S+) fingerprint [0-9A-F]{4}-[0-9A-F]{4}$/m);
    await hall.pair(code, window);
    return stranger;
  }

  constructor(hall, folder) {
    Object.assign(this, { hall, folder });
  }

  start() {
    const python = process.env.PYTHON ?? path.join(ROOT, "target/python/bin/python3");
    const script = path.join(ROOT, "docs/protocol/examples/evaluator.py");
    const { url, ca } = this.hall.at.box;
    this.said = "";
    this.child = spawn(python, [script, url, this.hall.seen(ca), this.folder], { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout.setEncoding("utf8").on("data", (text) => (this.said += text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.said += text));
    this.end = new Promise((resolve) => {
      this.child.on("exit", resolve);
      this.child.on("error", (error) => resolve((this.said += String(error))));
    });
  }

  /** Waits until it has printed something, and returns what the pattern takes out of it. */
  async says(pattern, times = 1) {
    const every = new RegExp(pattern.source, "gm");
    const found = await until(`the evaluator to say ${pattern}`, () => {
      if (this.child.exitCode !== null) {
        throw new Error(`the evaluator ended: ${this.said}`);
      }
      const all = [...this.said.matchAll(every)];
      return all.length >= times && all[times - 1];
    }, 30_000).catch((error) => Promise.reject(new Error(`${error.message}\n${this.said}`)));
    return found[1];
  }

  /** Pulls its plug. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.end;
  }

  async stop() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
