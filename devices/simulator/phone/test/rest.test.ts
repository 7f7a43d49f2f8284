import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { sampleOf } from "../src/face";
import { receiptIn } from "../src/message/scan";

const CSS = readFileSync("src/app.css", "utf8");

/** Text and the grounds that it stands on. */
const PAIRS = [
  ["ink", "paper"], ["ink", "sheet"], ["ink", "accent-pale"], ["ink", "harm-pale"], ["soft", "paper"], ["soft", "sheet"], ["soft", "plain-pale"], ["soft", "harm-pale"],
  ["accent", "paper"], ["accent", "sheet"], ["accent", "accent-pale"], ["on-accent", "accent"], ["on-accent", "accent-deep"],
  ["old-ink", "old-paper"], ["old-ink", "sheet"], ["done", "done-pale"], ["done", "sheet"], ["harm", "harm-pale"],
] as const;

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

test("every text stands at least 4.5 to 1 on its ground", () => {
  const colours = new Map([...CSS.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
  for (const [text, ground] of PAIRS) {
    const [low, high] = [luminance(colours.get(text) ?? ""), luminance(colours.get(ground) ?? "")].sort((a, b) => a - b);
    const ratio = ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
    assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
  }
});

test("the app loads nothing from elsewhere, and has no gradients", () => {
  assert.doesNotMatch(CSS, /url\(|@import|gradient/);
  assert.doesNotMatch(readFileSync("src/index.html", "utf8"), /style=|<style|https?:/);
});

test("a face sample is of the person, unless somebody else stands there", async () => {
  const holder = "111:519900199003070011";
  const own = (salt: string): string => createHash("sha256").update(Buffer.from(salt, "hex")).update(holder).digest("hex");
  const self = await sampleOf("self", holder);
  assert.equal(self.person_hex, own(self.salt_hex));
  assert.deepEqual(Object.keys(self).sort(), ["person_hex", "salt_hex"]);
  const other = await sampleOf("other", holder);
  assert.notEqual(other.person_hex, own(other.salt_hex));
  assert.notEqual((await sampleOf("self", holder)).salt_hex, self.salt_hex);
});

test("what else may go wrong before a camera is said in the sample", async () => {
  const holder = "111:519900199003070011";
  assert.equal((await sampleOf("mask", holder)).mask, true);
  assert.equal((await sampleOf("photo", holder)).live, false);
  assert.ok(((await sampleOf("dark", holder)).quality ?? 100) < 40);
  assert.equal((await sampleOf("timeout", holder)).service, "timeout");
});

test("a receipt of consent is known by its number and digest, and other receipts are not taken for one", () => {
  const [id, digest] = ["01J9ZZZZZZZZZZZZZZZZZZZZZZ", "ab".repeat(32)];
  assert.deepEqual(receiptIn(`HBHZ/${id}/${digest.toUpperCase()}`), { id, digest });
  assert.deepEqual(receiptIn(`${id}/${digest}\n`), { id, digest });
  for (const other of [`HB1/SC5199000001-1/${id}.1/17/${digest}`, id, digest, `${id}/${digest}0`, `${id.toLowerCase()}/${digest}`, "https://example.org/"]) {
    assert.equal(receiptIn(other), null, other);
  }
});
