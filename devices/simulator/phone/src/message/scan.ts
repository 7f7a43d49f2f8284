// 扫一扫: what a text from a camera, a picture or the clipboard is.

import { fromBase45, toBase45 } from "./base45";
import type { Bytes } from "./bytes";
import { encode } from "./cbor";
import { readChallenge, type Challenge } from "./code";
import { open } from "./cose";

const PREFIX = "HB1:";
const LONGEST_TEXT = 4_000;
const LONGEST_BYTES = 2_500;

export type Scanned =
  | { is: "challenge"; challenge: Challenge }
  | { is: "code" }
  | { is: "answer" }
  | { is: "receipt"; text: string }
  | { is: "other"; text: string };

export function qrText(message: Uint8Array): string {
  return PREFIX + toBase45(message);
}

/** The largest message that goes through one code, and how much of a larger one each of several codes carries. */
const WHOLE_BYTES = 640;
const PART_BYTES = 600;

export function fitsOneCode(message: Uint8Array): boolean {
  return message.length <= WHOLE_BYTES;
}

/** The texts of the codes that carry a message to the window: one, or several that are scanned in any order. */
export async function qrTexts(message: Bytes): Promise<string[]> {
  if (fitsOneCode(message)) {
    return [qrText(message)];
  }
  const name = new Uint8Array(await crypto.subtle.digest("SHA-256", message)).slice(0, 8);
  const count = Math.ceil(message.length / PART_BYTES);
  const numbers = Array.from({ length: count }, (_, at) => at);
  return numbers.map((at) => qrText(encode([at + 1, count, name, message.slice(at * PART_BYTES, (at + 1) * PART_BYTES)])));
}

/** What a Chinese keyboard makes of three letters of Base45. */
const TYPED = new Map([["。", "."], ["、", "/"], ["¥", "$"]]);

/** A message as a reader may deliver it: in any case, in full-width letters, with white space around. */
export function messageIn(text: string): Bytes | null {
  const plain = text.trim().normalize("NFKC").replace(/[。、¥]/g, (letter) => TYPED.get(letter) ?? letter).toUpperCase();
  if (plain.length > LONGEST_TEXT || !plain.startsWith(PREFIX)) {
    return null;
  }
  try {
    // A space is a letter of Base45, but never the last one: trimming takes only what the reader has added.
    const bytes = fromBase45(plain.slice(PREFIX.length));
    return bytes.length <= LONGEST_BYTES ? bytes : null;
  } catch {
    return null;
  }
}

export function whatIs(text: string): Scanned {
  const bytes = messageIn(text);
  try {
    const typ = bytes && open(bytes).typ;
    if (bytes && typ === "hall-ask+cwt") {
      return { is: "challenge", challenge: readChallenge(bytes) };
    }
    if (typ === "hall-code+cwt" || typ === "hall-att+cwt") {
      return { is: "code" };
    }
    if (typ === "hall-say+cwt") {
      return { is: "answer" };
    }
    if (typ === "hall-rcp+cwt") {
      return { is: "receipt", text: text.trim() };
    }
  } catch {
    // Falls through: damaged, or of another province.
  }
  return { is: "other", text: text.trim() };
}

/** 回执: as a window printed it, signed by its box; or 授权回执 by number and digest. */
export type ReceiptText = { printed: string } | { id: string; digest: string };

/** A receipt printed by a window; or number and digest, the last two parts of the text. */
export function receiptIn(text: string): ReceiptText | null {
  const scanned = whatIs(text);
  if (scanned.is === "receipt") {
    return { printed: scanned.text };
  }
  const found = /(?:^|[/:])([0-9A-HJKMNP-TV-Z]{26})[/:]([0-9a-fA-F]{64})\s*$/.exec(text);
  const [, id, digest] = found ?? [];
  return id && digest ? { id, digest: digest.toLowerCase() } : null;
}
