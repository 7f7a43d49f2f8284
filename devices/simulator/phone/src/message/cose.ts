// COSE_Sign1 in the one shape that messages of phones have: Ed25519, `typ` in the protected header, no external data.

import { Tagged, decode, encode, type Cbor, type CborMap } from "./cbor";
import { equal, type Bytes } from "./bytes";

export type Typ = "hall-att+cwt" | "hall-code+cwt" | "hall-ask+cwt" | "hall-say+cwt";
export type Sign = (message: Bytes) => Promise<Uint8Array>;

const COSE_SIGN1 = 18;
const [ALG, TYP, KID] = [1, 16, 4];
const EDDSA = -8;

/** What stands in a message, its signature not yet judged: a phone shows and carries, the box and the centre judge. */
export type Message = { typ: string; kid: Uint8Array | null; claims: CborMap };

/** Signs claims with the phone's own key, which no header names. */
export async function sign(typ: Typ, claims: CborMap, signer: Sign): Promise<Bytes> {
  const header = encode(new Map<number, Cbor>([[ALG, EDDSA], [TYP, typ]]));
  const payload = encode(claims);
  const signature = await signer(toBeSigned(header, payload));
  return encode(new Tagged(COSE_SIGN1, [header, new Map(), payload, signature]));
}

export function toBeSigned(header: Uint8Array, payload: Uint8Array): Bytes {
  return encode(["Signature1", header, new Uint8Array(), payload]);
}

/** Takes a message apart; throws on any other shape. */
export function open(bytes: Uint8Array): Message {
  const whole = decode(bytes);
  const parts = whole instanceof Tagged && whole.tag === COSE_SIGN1 ? whole.value : null;
  if (!Array.isArray(parts) || parts.length !== 4) {
    throw new Error("not a COSE_Sign1");
  }
  const [header, names, payload, signature] = parts as Cbor[];
  if (!(header instanceof Uint8Array) || !(names instanceof Map) || !(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) {
    throw new Error("not a COSE_Sign1");
  }
  const typ = mapOf(decode(header)).get(TYP);
  const expected = new Map<number, Cbor>([[ALG, EDDSA], [TYP, typ ?? null]]);
  const kid = names.get(KID);
  if (typeof typ !== "string" || !equal(header, encode(expected)) || signature.length !== 64) {
    throw new Error("not a message of a phone or to one");
  }
  return { typ, kid: kid instanceof Uint8Array ? kid : null, claims: mapOf(decode(payload)) };
}

export function mapOf(value: Cbor | undefined): CborMap {
  if (!(value instanceof Map)) {
    throw new Error("a map is missing in CBOR");
  }
  return value as CborMap;
}

export function numberOf(value: Cbor | undefined): number {
  if (typeof value !== "number") {
    throw new Error("a number is missing in CBOR");
  }
  return value;
}

export function bytesOf(value: Cbor | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new Error("bytes are missing in CBOR");
  }
  return value;
}

export function textOf(value: Cbor | undefined): string {
  if (typeof value !== "string") {
    throw new Error("a text is missing in CBOR");
  }
  return value;
}
