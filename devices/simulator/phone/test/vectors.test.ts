import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, sign as signWith } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { concat, fromBase64url, fromHex, type Bytes } from "../src/message/bytes";
import { OWN, readAssertion, readAttestation, readChallenge, serviceCode } from "../src/message/code";
import { decode } from "../src/message/cbor";
import { bytesOf, mapOf, numberOf, open } from "../src/message/cose";
import { find, modules } from "../src/message/qr";
import { messageIn, qrText, qrTexts, whatIs } from "../src/message/scan";

const FOLDER = "../../../docs/protocol/vectors/phone";
const CODES = ["own", "representative", "agent", "delegate", "answer"];

/** The key that signed the vectors' codes: 32 bytes of 0xd0. */
const KEY = createPrivateKey({ key: Buffer.from(concat(fromHex("302e020100300506032b657004220420"), new Uint8Array(32).fill(0xd0))), format: "der", type: "pkcs8" });
const PUBLIC = fromBase64url(createPublicKey(KEY).export({ format: "jwk" }).x ?? "");
const signer = async (message: Bytes): Promise<Uint8Array> => new Uint8Array(signWith(null, message, KEY));

function text(name: string): string {
  return readFileSync(`${FOLDER}/${name}.txt`, "utf8").trim();
}

function vector(name: string): Bytes {
  const bytes = messageIn(text(name));
  assert.ok(bytes, name);
  return bytes;
}

test("a code that this phone signs is the golden one, byte for byte", async () => {
  for (const name of CODES) {
    const golden = vector(`code-${name}`);
    const { claims } = open(golden);
    const attestation = readAttestation(bytesOf(mapOf(claims.get(OWN)).get(1)).slice());
    assert.deepEqual(attestation.key, PUBLIC, name);
    const made = await serviceCode(attestation, numberOf(claims.get(6)), bytesOf(claims.get(10)), signer);
    assert.deepEqual(made, golden, name);
    assert.equal(qrText(made), text(`code-${name}`));
    assert.equal(whatIs(qrText(made)).is, "code");
  }
});

test("challenges of a box are understood", () => {
  const kinds = { face: "face", consent: "consent", licences: "licences" };
  for (const [name, kind] of Object.entries(kinds)) {
    const challenge = readChallenge(vector(`ask-${name}`));
    assert.equal(challenge.kind, kind);
    assert.equal(challenge.nonce.length, 16);
    assert.ok(challenge.window.length > 0);
  }
});

test("answers of the centre are told apart and belong to their challenge", () => {
  for (const name of ["face", "consent", "licences"]) {
    const said = readAssertion(vector(`say-${name}`));
    assert.deepEqual(said.nonce, readChallenge(vector(`ask-${name}`)).nonce, name);
    assert.equal(whatIs(text(`say-${name}`)).is, "answer");
  }
});

test("an answer that one code does not hold is split as in the golden vector", async () => {
  const golden = text("say-licences-three").split("\n");
  const parts = golden.map((code) => decode(messageIn(code) ?? new Uint8Array()) as [number, number, Uint8Array, Uint8Array]);
  const message = concat(...parts.map(([, , , bytes]) => bytes));
  assert.equal(readAssertion(message).nonce.length, 16);
  assert.deepEqual(await qrTexts(message), golden);
  assert.deepEqual(await qrTexts(vector("say-licences")), [text("say-licences")]);
});

test("every golden message is drawn as a code that another's decoder reads", () => {
  for (const name of [...CODES.map((code) => `code-${code}`), "say-consent", "say-licences"]) {
    const rows = modules(text(name));
    const [pixels, quiet] = [3, 4];
    const width = (rows.length + 2 * quiet) * pixels;
    const data = new Uint8ClampedArray(width * width * 4).fill(255);
    for (let y = 0; y < width; y += 1) {
      for (let x = 0; x < width; x += 1) {
        if (rows[Math.floor(y / pixels) - quiet]?.[Math.floor(x / pixels) - quiet]) {
          data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
        }
      }
    }
    assert.equal(find({ data, width, height: width }), text(name), name);
  }
});
