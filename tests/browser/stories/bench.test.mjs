// The benchmarks run and write whole rows. What the figures say is not judged here.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../support/hall.mjs";

test("the benchmarks run and write whole rows", { timeout: 240_000 }, async () => {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
  const program = path.join(target, process.env.HALL_PROFILE ?? "debug", "hall-bench");
  const folder = await mkdtemp(path.join(tmpdir(), "hall-bench-"));
  try {
    const results = path.join(folder, "results.json");
    const { stdout } = await promisify(execFile)(program, ["--short", "--folder", path.join(folder, "work"), "--results", results]);
    const rows = JSON.parse(await readFile(results, "utf8"));
    const licences = ["status list", "verify a service code", "install", "open and verify one licence"];
    for (const subject of [...licences, "consent commit", "box at rest", "card placed", "push to evaluator", "confirm to clerk"]) {
      assert.ok(rows.some((row) => row.name.startsWith(subject)), `no row about ${subject}`);
    }
    assert.equal(new Set(rows.map((row) => row.name)).size, rows.length, "a name stands twice");
    for (const row of rows) {
      const { name, value, unit, baseline, ratio, target: bound, runs } = row;
      assert.ok(Number.isFinite(value) && value > 0, `${name}: ${value}`);
      assert.ok(typeof unit === "string" && Number.isInteger(runs) && runs > 0, name);
      assert.equal(baseline === null, ratio === null, name);
      assert.ok(baseline === null || (Number.isFinite(baseline) && Math.abs(value / baseline - ratio) <= 0.01 * ratio), name);
      assert.ok(bound === null || typeof bound === "string", name);
      assert.ok(stdout.includes(name), `${name} is not in the table`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
