import assert from "node:assert/strict";
import { test } from "node:test";
import challenge from "../../bus/fixtures/show-challenge.json";
import { isDrawable, MAX_QR, qrPath } from "../src/qr";

test("what the box may send can be drawn, and small enough to be read at arm's length", () => {
  assert.ok(isDrawable(challenge.data.qr));
  const longest = "HB1:".padEnd(MAX_QR, "7Z*");
  assert.ok(isDrawable(longest));
  // Version 26: 3 pixels a module in 400.
  assert.ok(qrPath(longest).size <= 17 + 4 * 26);
});

test("alphanumeric mode is used: 300 characters take version 10, where bytes would take 13", () => {
  assert.equal(qrPath("A".repeat(300)).size, 17 + 4 * 10);
});
