// 存证: an exported consent is verified by somebody else's tools, offline, and a changed one is not.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { program, ROOT, until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

const run = promisify(execFile);

story("a stranger's tools verify an exported consent from its files alone", "evidence", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toForm(citizen);
  await desk.completeForm();
  const no = await desk.submit();
  await until("the receipt", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome));

  const out = path.join(hall.folder, "evidence");
  await until("the export", () => run(program("hallbox"), ["export", "--data", hall.at.box.data, "--case", no, "--out", out]).catch(() => undefined));
  const files = ["entry.cbor", "proof.cbor", "receipt.cbor", "centre-key.hex"].map((name) => path.join(out, name));
  assert.deepEqual((await readdir(out)).sort(), files.map((file) => path.basename(file)).sort());
  const verify = () => run("/usr/bin/python3", [path.join(ROOT, "docs/protocol/verify-entry.py"), ...files]);
  const { stdout } = await verify();
  assert.match(stdout, /^verified: entry \d+ of ledger/);

  for (const file of files.slice(0, 3)) {
    const bytes = await readFile(file);
    const changed = Buffer.from(bytes);
    changed[Math.floor(changed.length / 2)] ^= 1;
    await writeFile(file, changed);
    await assert.rejects(verify(), `${path.basename(file)} can be changed unnoticed`);
    await writeFile(file, bytes);
  }
});
