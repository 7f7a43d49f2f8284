// A fresh hall for a story: `hall-demo` on free ports, and its control interface.

import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = path.resolve(fileURLToPath(import.meta.url), "../../../..");
const run = promisify(execFile);
/** The code of the demonstration hall at its centre. */
const HALL_CODE = "SC5199000001";
const START_MS = 90_000;
const STOP_MS = 20_000;

/** Waits until `look` gives something other than undefined, null and false. */
export async function until(what, look, ms = 15_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) {
      return seen;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${ms} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function program(name) {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
  return path.join(target, process.env.HALL_PROFILE ?? "debug", name);
}

/** A mount that only the hall sees; without root, in a user namespace. */
function onOwnDisk(folder, mb, command) {
  const script = 'mount -t tmpfs -o size="$0"m tmpfs "$1" && shift && exec "$@"';
  return ["unshare", process.getuid() === 0 ? "-m" : "-rm", "sh", "-c", script, String(mb), folder, ...command];
}

/** Why this machine cannot give a hall a disk of its own, or false. */
export function noOwnDisk() {
  const tried = spawnSync("unshare", [process.getuid() === 0 ? "-m" : "-rm", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]);
  return tried.status === 0 ? false : "this machine lets nobody mount a small disk";
}

export class Hall {
  /** `diskMb` gives it a disk of its own, of that size; with `pcsc` the reader of the last window is behind PC/SC. */
  static async start({ windows = 1, diskMb, pcsc = false } = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), "hall-story-"));
    const [data, endpoints] = [path.join(folder, "data"), path.join(folder, "endpoints.json")];
    await mkdir(data);
    const hallDemo = [program("hall-demo"), "--data", data, "--endpoints", endpoints, "--ports", "any", "--windows", String(windows), "--quiet", ...(pcsc ? ["--pcsc"] : [])];
    const [command, ...rest] = diskMb === undefined ? hallDemo : onOwnDisk(data, diskMb, hallDemo);
    const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
    let ended = null;
    const end = new Promise((resolve) => {
      child.on("exit", (code, signal) => resolve((ended = code ?? signal)));
      child.on("error", (error) => resolve((ended = String(error))));
    });
    const hall = new Hall(folder, child, end);
    try {
      await until("a ready hall", () => ended !== null || existsSync(endpoints), START_MS);
      if (ended !== null) {
        throw new Error(`the hall did not start (${ended}): ${said}`);
      }
      hall.at = JSON.parse(await readFile(endpoints, "utf8"));
      return hall;
    } catch (error) {
      await hall.stop();
      throw error;
    }
  }

  constructor(folder, child, end) {
    this.folder = folder;
    this.child = child;
    this.end = end;
  }

  account(role) {
    return this.at.accounts.find((account) => account.role === role);
  }

  /** One request to the control interface. Speaks HTTP itself: nothing between the story and the hall. */
  control(method, path_, body) {
    const url = new URL(path_, this.at.control.api);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers }, (answer) => {
        let got = "";
        answer.setEncoding("utf8").on("data", (part) => (got += part));
        answer.on("end", () => {
          const value = JSON.parse(got);
          answer.statusCode === 200 ? resolve(value) : reject(new Error(value.error ?? got));
        });
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  state = () => this.control("GET", "state");
  place = (window, card) => this.control("POST", `windows/${window}/card`, { card });
  lift = (window) => this.control("DELETE", `windows/${window}/card`);
  plug = (window, plugged) => this.control("POST", `windows/${window}/reader`, { plugged });
  scan = (window, text, fault) => this.control("POST", `windows/${window}/scan`, { text, ...(fault ? { fault } : {}) });
  breakReader = (window, fault) => this.control("POST", `windows/${window}/fault`, { fault });
  line = (state) => this.control("POST", "line", { state });
  box = (action) => this.control("POST", "box", { action });
  broker = () => this.control("POST", "broker", { action: "kill" });
  centre = (action) => this.control("POST", "centre", { action });
  licence = (id, status) => this.control("POST", "centre/licences", { id, status });
  pair = (code, window) => this.control("POST", "pair", { code, window });
  /** 撤回授权 by an operator of the centre, for a citizen who telephoned. */
  async withdrawAtCentre(no) {
    const { admin, token_file } = this.at.centre;
    const token = (await readFile(this.seen(token_file), "utf8")).trim();
    const answer = await fetch(`${admin}/cases/${no}/withdraw`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) {
      throw new Error(await answer.text());
    }
    return answer.json();
  }

  cast = () => this.control("GET", "cast");
  summary = () => this.control("GET", "centre/summary");

  /** What an operator of the centre asks of it. */
  async operator(path_, body) {
    const token = (await readFile(this.seen(this.at.centre.token_file), "utf8")).trim();
    const url = new URL(`${this.at.centre.admin}${path_}`);
    const text = JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: "POST", headers }, (answer) => {
        let got = "";
        answer.setEncoding("utf8").on("data", (part) => (got += part));
        answer.on("end", () => (answer.statusCode === 200 ? resolve(JSON.parse(got)) : reject(new Error(`${answer.statusCode} ${got}`))));
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  /** 按需: from now on the hall may hold only what was granted to it. Waits until it has forgotten the rest. */
  async grantedOnly() {
    const { told } = await this.operator(`/halls/${HALL_CODE}/scope`, { scope: "granted" });
    await until("the hall to have forgotten its licences", async () => {
      const { stdout } = await run(program("hallbox"), ["verify", "--data", this.seen(this.at.box.data)]);
      return Number(/清理 (\d+) 份/.exec(stdout)?.[1]) >= told.withdrawn;
    });
  }

  /** Everything that the hall's processes logged. */
  async logs() {
    const folder = this.seen(this.at.logs);
    const names = await readdir(folder);
    return Promise.all(names.map(async (name) => ({ name, text: await readFile(path.join(folder, name), "utf8") })));
  }

  /** A path as the hall sees it, its own disk included. */
  seen(file) {
    return `/proc/${this.child.pid}/root${file}`;
  }

  /** Leaves no byte free where the hall's data is. */
  async fillDisk() {
    const piece = Buffer.alloc(64 * 1024, 1);
    for (let size = piece.length; size > 0; size = Math.floor(size / 2)) {
      while (await writeFile(this.seen(path.join(this.at.data, "filler")), piece.subarray(0, size), { flag: "a" }).then(() => true, () => false));
    }
  }

  async freeDisk() {
    await rm(this.seen(path.join(this.at.data, "filler")));
  }

  /** The whole ledger holds, and every case is what its entries amount to. Returns how many entries there are. */
  async verified() {
    const check = () => run(program("hallbox"), ["verify", "--data", this.seen(this.at.box.data)]);
    const { stdout } = await until("a box that answers", () => check().catch((error) => (/请确认它正在运行/.test(error.stderr) ? undefined : Promise.reject(error))));
    if (!/^账本 \d+ 条，签名、次序、摘要都相符/.test(stdout)) {
      throw new Error(stdout);
    }
    return Number(/\d+/.exec(stdout)[0]);
  }

  async stop() {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    await this.end;
    clearTimeout(late);
    if (!process.env.KEEP_HALL) {
      await rm(this.folder, { recursive: true, force: true });
    }
  }
}
