// 办事码: what the phone signs itself, and what it can tell about an attestation that it was given.

import type { Bytes } from "./bytes";
import type { Cbor } from "./cbor";
import { bytesOf, mapOf, numberOf, open, sign, textOf, type Sign } from "./cose";

export const OWN = -65537;
const [EXP, IAT, CNF, NONCE] = [4, 6, 8, 10];
const WEAK_NONCE = 8;
/** How often a weak code is drawn anew. A box takes one that differs from its clock by three times as much. */
export const WEAK_SECONDS = 30;

/** What the phone must know of its attestation: until when, and for which key. */
export type Attestation = { bytes: Bytes; expires: number; key: Uint8Array };

export function readAttestation(bytes: Bytes): Attestation {
  const { typ, claims } = open(bytes);
  if (typ !== "hall-att+cwt") {
    throw new Error("not an attestation");
  }
  const key = mapOf(mapOf(claims.get(CNF)).get(1));
  return { bytes, expires: numberOf(claims.get(EXP)), key: bytesOf(key.get(-2)) };
}

/** Weak form: the time, and eight bytes that nobody has seen. */
export function weakCode(attestation: Attestation, seconds: number, signer: Sign): Promise<Bytes> {
  return serviceCode(attestation, seconds, crypto.getRandomValues(new Uint8Array(WEAK_NONCE)), signer);
}

/** Challenge form: the nonce stands on the evaluator. */
export function serviceCode(attestation: Attestation, seconds: number, nonce: Uint8Array, signer: Sign): Promise<Bytes> {
  const claims = new Map<number, Cbor>([
    [IAT, seconds],
    [NONCE, nonce],
    [OWN, new Map<number, Cbor>([[1, attestation.bytes]])],
  ]);
  return sign("hall-code+cwt", claims, signer);
}

/** 挑战: what the window asks for, as its code says it. The centre judges whether a hall has signed it. */
export type Challenge = {
  bytes: Bytes;
  kind: "code" | "face" | "consent" | "principal" | "licences";
  expires: number;
  nonce: Uint8Array;
  window: string;
};

const KINDS = [undefined, "code", "face", "consent", "principal", "licences"] as const;

export function readChallenge(bytes: Bytes): Challenge {
  const { typ, claims } = open(bytes);
  if (typ !== "hall-ask+cwt") {
    throw new Error("not a challenge");
  }
  const own = mapOf(claims.get(OWN));
  const kind = KINDS[numberOf(own.get(1))];
  if (!kind) {
    throw new Error("a challenge of a kind that this phone does not know");
  }
  return {
    bytes,
    kind,
    expires: numberOf(claims.get(EXP)),
    nonce: bytesOf(claims.get(NONCE)),
    window: textOf(own.get(3)),
  };
}

/** Until when the window takes an assertion. */
export function readAssertion(bytes: Bytes): { expires: number; nonce: Uint8Array } {
  const { typ, claims } = open(bytes);
  if (typ !== "hall-say+cwt") {
    throw new Error("not an assertion");
  }
  return { expires: numberOf(claims.get(EXP)), nonce: bytesOf(claims.get(NONCE)) };
}
