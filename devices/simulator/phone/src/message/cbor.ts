// Deterministic CBOR (RFC 8949 §4.2) for the messages of phones: integers, bytes, text, arrays, maps, null, tags. What
// is read has to be written exactly as this writes it.

import { compare, concat, equal, type Bytes } from "./bytes";

export class Tagged {
  constructor(
    readonly tag: number,
    readonly value: Cbor,
  ) {}
}

export type Cbor = number | string | Uint8Array | null | boolean | readonly Cbor[] | CborMap | Tagged;
export type CborMap = ReadonlyMap<number | string, Cbor>;

/** Deeper than any message of ours. */
const DEEPEST = 12;
const TEXT = new TextEncoder();
const STRICT_TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encode(value: Cbor): Bytes {
  if (value === null || typeof value === "boolean") {
    return Uint8Array.of(value === null ? 0xf6 : value ? 0xf5 : 0xf4);
  }
  if (typeof value === "number") {
    return value < 0 ? head(1, -1 - value) : head(0, value);
  }
  if (typeof value === "string") {
    const bytes = TEXT.encode(value);
    return concat(head(3, bytes.length), bytes);
  }
  if (value instanceof Uint8Array) {
    return concat(head(2, value.length), value);
  }
  if (value instanceof Tagged) {
    return concat(head(6, value.tag), encode(value.value));
  }
  if (value instanceof Map) {
    const pairs = [...(value as CborMap)].map(([key, one]) => [encode(key), encode(one)] as const);
    pairs.sort(([a], [b]) => compare(a, b));
    return concat(head(5, pairs.length), ...pairs.flat());
  }
  const items = value as readonly Cbor[];
  return concat(head(4, items.length), ...items.map(encode));
}

function head(major: number, argument: number): Bytes {
  if (!Number.isSafeInteger(argument) || argument < 0) {
    throw new Error("not an integer that CBOR holds here");
  }
  const type = major << 5;
  if (argument < 24) {
    return Uint8Array.of(type | argument);
  }
  const [more, size] = argument <= 0xff ? [24, 1] : argument <= 0xffff ? [25, 2] : argument <= 0xffff_ffff ? [26, 4] : [27, 8];
  const bytes = new Uint8Array(1 + size);
  bytes[0] = type | more;
  for (let at = size, rest = argument; at > 0; at -= 1, rest = Math.floor(rest / 256)) {
    bytes[at] = rest % 256;
  }
  return bytes;
}

/** Reads one value that fills all of `bytes`; throws on anything else, and on what is not deterministic. */
export function decode(bytes: Uint8Array): Cbor {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length || !equal(encode(value), bytes)) {
    throw new Error("not deterministic CBOR");
  }
  return value;
}

class Reader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  value(depth: number): Cbor {
    if (depth > DEEPEST) {
      throw new Error("CBOR nested too deep");
    }
    const first = this.take(1)[0] ?? 0;
    if (first >= 0xf4 && first <= 0xf6) {
      return first === 0xf6 ? null : first === 0xf5;
    }
    const argument = this.argument(first & 0x1f);
    switch (first >> 5) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.take(argument).slice();
      case 3:
        return STRICT_TEXT.decode(this.take(argument));
      case 4:
        return this.times(argument, () => this.value(depth + 1));
      case 5: {
        const pairs = this.times(argument, () => [this.value(depth + 1), this.value(depth + 1)] as const);
        const map = new Map<number | string, Cbor>();
        for (const [key, value] of pairs) {
          if (typeof key !== "number" && typeof key !== "string") {
            throw new Error("unexpected kind of key in CBOR");
          }
          map.set(key, value);
        }
        return map;
      }
      case 6:
        return new Tagged(argument, this.value(depth + 1));
      default:
        throw new Error("unexpected kind of value in CBOR");
    }
  }

  private times<T>(count: number, read: () => T): T[] {
    // Each takes a byte at least, so a great number ends at the end of the bytes.
    const all: T[] = [];
    for (let done = 0; done < count; done += 1) {
      all.push(read());
    }
    return all;
  }

  private argument(more: number): number {
    if (more < 24) {
      return more;
    }
    if (more > 27) {
      throw new Error("indefinite length in CBOR");
    }
    const value = this.take(2 ** (more - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) {
      throw new Error("number too great in CBOR");
    }
    return value;
  }

  private take(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) {
      throw new Error("CBOR ends too early");
    }
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}
