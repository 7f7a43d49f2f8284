import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const CSS = readFileSync("src/app.css", "utf8");

/** Text and the grounds that it stands on. */
const PAIRS = [
  ["ink", "paper"], ["ink", "sheet"], ["ink", "accent-pale"], ["soft", "paper"], ["soft", "sheet"], ["soft", "accent-pale"],
  ["accent", "paper"], ["accent", "sheet"], ["accent", "accent-pale"], ["accent-deep", "accent-pale"], ["on-accent", "accent"],
  ["old-ink", "old-paper"], ["done", "paper"], ["done", "sheet"], ["warn", "paper"], ["on-disabled", "disabled"],
] as const;

function colours(selector: string): Map<string, string> {
  const block = new RegExp(`${selector} \\{([^}]*)\\}`).exec(CSS)?.[1] ?? "";
  return new Map([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1] ?? "", match[2] ?? ""]));
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

test("every text stands at least 7 to 1 on its ground, in both looks", () => {
  const plain = colours(":root");
  const contrast = new Map([...plain, ...colours(":root\\.contrast")]);
  assert.ok(plain.size >= 15 && contrast.get("paper") === "#000000");
  for (const look of [plain, contrast]) {
    for (const [text, ground] of PAIRS) {
      const [low, high] = [luminance(look.get(text) ?? ""), luminance(look.get(ground) ?? "")].sort((a, b) => a - b);
      const ratio = ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
      assert.ok(ratio >= 7, `${text} on ${ground}: ${ratio.toFixed(2)}`);
    }
  }
});

test("the page loads nothing from elsewhere and nothing moves for long", () => {
  assert.doesNotMatch(CSS, /url\(|@import/);
  for (const [, ms] of CSS.matchAll(/(\d+)ms/g)) {
    assert.ok(Number(ms) <= 150);
  }
  assert.doesNotMatch(readFileSync("src/index.html", "utf8"), /style=|<style|https?:/);
});
