// Base45 (RFC 9285): bytes in the letters that a QR code's alphanumeric mode holds.

import type { Bytes } from "./bytes";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

export function toBase45(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const [high, low] = [bytes[at] ?? 0, bytes[at + 1]];
    let value = low === undefined ? high : high * 256 + low;
    for (let letters = low === undefined ? 2 : 3; letters > 0; letters -= 1) {
      text += LETTERS[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return text;
}

export function fromBase45(text: string): Bytes {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map((letter) => LETTERS.indexOf(letter));
    const value = group.reduce((sum, letter, place) => sum + letter * 45 ** place, 0);
    const most = group.length === 3 ? 0xffff : 0xff;
    if (group.length === 1 || group.includes(-1) || value > most) {
      throw new Error("not Base45");
    }
    bytes.push(...(group.length === 3 ? [value >> 8, value & 0xff] : [value]));
  }
  return Uint8Array.from(bytes);
}
