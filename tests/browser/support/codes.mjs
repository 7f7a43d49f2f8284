// QR codes as the hall has them, by other people's code: texts to draw, and what a reader gets out of a picture.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import jsqr from "jsqr";
import { PNG } from "pngjs";

// The package's module and its CommonJS form differ in where the function is.
const read = jsqr.default ?? jsqr;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** `HB1:` and so many random bytes in Base45 (RFC 9285). */
export function carried(bytes) {
  const data = randomBytes(bytes);
  let text = "HB1:";
  for (let at = 0; at < data.length; at += 2) {
    const two = at + 1 < data.length;
    const value = two ? data[at] * 256 + data[at + 1] : data[at];
    text += ALPHABET[value % 45] + ALPHABET[Math.floor(value / 45) % 45] + (two ? ALPHABET[Math.floor(value / 2025)] : "");
  }
  return text;
}

/** What a reader finds in a PNG, or null. */
export function readCode(png) {
  const { data, width, height } = PNG.sync.read(png);
  return read(new Uint8ClampedArray(data), width, height)?.data ?? null;
}

/** The modules of a code for a text, true where dark. */
export function modules(text, evaluator) {
  const qrcode = createRequire(evaluator)("qrcode-generator");
  const qr = qrcode(0, "M");
  qr.addData(text, "Alphanumeric");
  qr.make();
  const size = qr.getModuleCount();
  return Array.from({ length: size }, (_, y) => Array.from({ length: size }, (__, x) => qr.isDark(y, x)));
}
