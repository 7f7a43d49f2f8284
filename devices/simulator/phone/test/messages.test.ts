import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { fromBase45, toBase45 } from "../src/message/base45";
import { concat, equal, fromHex, hex, type Bytes } from "../src/message/bytes";
import { decode, encode, Tagged, type Cbor } from "../src/message/cbor";
import { OWN, readAttestation, readChallenge, serviceCode, weakCode } from "../src/message/code";
import { open, sign, toBeSigned } from "../src/message/cose";
import { messageIn, qrText, whatIs } from "../src/message/scan";

const text = (words: string): Bytes => new TextEncoder().encode(words);
const map = (pairs: [number, Cbor][]): Map<number, Cbor> => new Map(pairs);

async function key(): Promise<{ sign: (message: Bytes) => Promise<Uint8Array>; verify: (signature: Uint8Array, message: Bytes) => Promise<boolean> }> {
  const pair = (await webcrypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  return {
    sign: async (message) => new Uint8Array(await webcrypto.subtle.sign("Ed25519", pair.privateKey, message)),
    verify: (signature, message) => webcrypto.subtle.verify("Ed25519", pair.publicKey, signature, message),
  };
}

test("Base45 writes what RFC 9285 writes, and reads it back", () => {
  for (const [words, letters] of [["AB", "BB8"], ["Hello!!", "%69 VD92EX0"], ["base-45", "UJCLQE7W581"], ["ietf!", "QED8WEX0"], ["", ""]] as const) {
    assert.equal(toBase45(text(words)), letters);
    assert.deepEqual(fromBase45(letters), text(words));
  }
});

test("Base45 that nobody can have written is refused", () => {
  for (const letters of ["A", "BB8A", "GGW", ":::", "bb8", "::", "Ä00"]) {
    assert.throws(() => fromBase45(letters), letters);
  }
});

test("CBOR is written as RFC 8949 shows it", () => {
  const shown: [Cbor, string][] = [
    [0, "00"], [23, "17"], [24, "1818"], [1000, "1903e8"], [1000000, "1a000f4240"], [1000000000000, "1b000000e8d4a51000"],
    [-1, "20"], [-65537, "3a00010000"], [null, "f6"], [true, "f5"], ["水", "63e6b0b4"], [fromHex("01020304"), "4401020304"],
    [[1, [2, 3]], "8201820203"], [map([[3, 4], [1, 2]]), "a201020304"], [map([[10, 1], [-1, 3], [100, 2]]), "a30a011864022003"],
    [new Tagged(18, 1), "d201"],
  ];
  for (const [value, bytes] of shown) {
    assert.equal(hex(encode(value)), bytes);
    assert.deepEqual(decode(fromHex(bytes)), value instanceof Map ? new Map([...value].sort(([a], [b]) => (hex(encode(a as number)) < hex(encode(b as number)) ? -1 : 1))) : value);
  }
});

test("CBOR that is not deterministic, not whole, or too deep is refused", () => {
  for (const bytes of ["1800", "190017", "a203040102", "a201020103", "9f01ff", "0000", "61", "62c328", "", "fb3ff0000000000000", "1bffffffffffffffff", "81".repeat(40) + "00", "9a7fffffff00"]) {
    assert.throws(() => decode(fromHex(bytes)), bytes);
  }
});

test("a weak code is signed over the time, the attestation and a nonce that is never the same", async () => {
  const phone = await key();
  const attestation = { bytes: text("an attestation"), expires: 0, key: new Uint8Array(32) };
  const [one, two] = [await weakCode(attestation, 1_800_000_000, phone.sign), await weakCode(attestation, 1_800_000_000, phone.sign)];
  assert.equal(equal(one, two), false);
  const { typ, kid, claims } = open(one);
  assert.equal(typ, "hall-code+cwt");
  assert.equal(kid, null);
  assert.equal(claims.get(6), 1_800_000_000);
  assert.equal((claims.get(10) as Uint8Array).length, 8);
  assert.deepEqual((claims.get(OWN) as Map<number, Cbor>).get(1), attestation.bytes);
  const [header, , payload, signature] = (decode(one) as Tagged).value as [Bytes, Cbor, Bytes, Bytes];
  assert.equal(hex(header), `a20127106d${hex(text("hall-code+cwt"))}`);
  assert.ok(await phone.verify(signature, toBeSigned(header, payload)));
});

test("an answer to a challenge carries its very nonce", async () => {
  const phone = await key();
  const nonce = Uint8Array.from({ length: 16 }, (_, at) => at);
  const code = await serviceCode({ bytes: text("a"), expires: 0, key: new Uint8Array(32) }, 5, nonce, phone.sign);
  assert.deepEqual(open(code).claims.get(10), nonce);
});

test("a challenge and an attestation are understood, and nothing of another shape is taken for one", async () => {
  const phone = await key();
  const nonce = new Uint8Array(16).fill(7);
  const ask = await sign("hall-ask+cwt", map([[4, 1_800_000_300], [10, nonce], [OWN, map([[1, 3], [2, "log"], [3, "W01"]])]]), phone.sign);
  assert.deepEqual(readChallenge(ask), { bytes: ask, kind: "consent", expires: 1_800_000_300, nonce, window: "W01" });
  const x = new Uint8Array(32).fill(9);
  const attestation = await sign("hall-att+cwt", map([[4, 99], [6, 1], [8, map([[1, map([[1, 1], [-1, 6], [-2, x]])]])], [OWN, map([[1, [1, nonce, nonce]]])]]), phone.sign);
  assert.deepEqual(readAttestation(attestation), { bytes: attestation, expires: 99, key: x });
  assert.throws(() => readChallenge(attestation));
  assert.throws(() => readAttestation(ask));
  const unknown = await sign("hall-ask+cwt", map([[4, 1], [10, nonce], [OWN, map([[1, 9], [3, "W01"]])]]), phone.sign);
  assert.throws(() => readChallenge(unknown));
  assert.throws(() => open(concat(ask, Uint8Array.of(0))));
});

test("a code is read in any case, in full-width letters and with white space around it", async () => {
  const phone = await key();
  const nonce = new Uint8Array(16).fill(7);
  const ask = await sign("hall-ask+cwt", map([[4, 1], [10, nonce], [OWN, map([[1, 1], [3, "W01"]])]]), phone.sign);
  const plain = qrText(ask);
  const wide = [...plain].map((letter) => (letter === " " ? "\u3000" : String.fromCharCode(letter.charCodeAt(0) + 0xfee0))).join("");
  const typed = plain.replace(/\./g, "。").replace(/\//g, "、").replace(/\$/g, "￥");
  assert.notEqual(typed, plain);
  for (const read of [plain, plain.toLowerCase(), ` \r\n${plain}\n`, wide, typed]) {
    assert.deepEqual(messageIn(read), ask);
    assert.equal(whatIs(read).is, "challenge");
  }
  assert.equal(whatIs(qrText(await weakCode({ bytes: ask, expires: 0, key: nonce }, 1, phone.sign))).is, "code");
});

test("what is no message of ours is told apart and never thrown at the reader", () => {
  for (const read of ["", "https://example.org/", "HB1:", "HB1:bad!", "HB1:" + "0".repeat(4_000), "HB1:" + toBase45(text("rubbish"))]) {
    assert.equal(whatIs(read).is, "other");
  }
});
