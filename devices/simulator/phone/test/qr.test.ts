import assert from "node:assert/strict";
import { test } from "node:test";
import { find, modules, outline } from "../src/message/qr";
import { qrText } from "../src/message/scan";

/** Paints what the SVG path says, as a browser would: so many pixels for each module. */
function paint(text: string, pixels: number): { data: Uint8ClampedArray; width: number; height: number } {
  const { side, path } = outline(modules(text));
  const width = side * pixels;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * pixels; row < (Number(y) + 1) * pixels; row += 1) {
      for (let column = Number(x) * pixels; column < (Number(x) + Number(run)) * pixels; column += 1) {
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
      }
    }
  }
  return { data, width, height: width };
}

test("a drawn code is read again by another's decoder, at every size that a message has", () => {
  for (const size of [30, 161, 309, 349, 500]) {
    const text = qrText(Uint8Array.from({ length: size }, (_, at) => (at * 37) % 256));
    assert.equal(find(paint(text, 4)), text);
  }
});

test("a service code of usual size stays a code that a scanner reads from a phone: version 14 at most", () => {
  const side = modules(qrText(new Uint8Array(349).fill(0xa5))).length;
  assert.ok((side - 17) / 4 <= 14, `version ${(side - 17) / 4}`);
});

test("a picture without a code gives nothing", () => {
  assert.equal(find({ data: new Uint8ClampedArray(100 * 100 * 4).fill(255), width: 100, height: 100 }), null);
});
