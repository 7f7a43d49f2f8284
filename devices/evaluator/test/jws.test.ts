import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { ANSWER_TYPE, base64url, fingerprint, sign, thumbprint, type PublicKey } from "../src/jws";
import { makeKeys, signerOf } from "../src/keys";
import type { DeviceKeys } from "../src/store";
import { isUlid, ulid } from "../src/ulid";

function jwkOf(key: PublicKey): object {
  return key.alg === "EdDSA" ? { kty: "OKP", crv: "Ed25519", x: key.x } : { kty: "EC", crv: "P-256", x: key.x, y: key.y };
}

async function holds(keys: DeviceKeys): Promise<void> {
  const jws = await sign(signerOf(keys), "ev-x#1", ANSWER_TYPE, { v: 1, name: "王芳" });
  const key = createPublicKey({ key: jwkOf(keys.publicKey), format: "jwk" } as never);
  const input = Buffer.from(`${jws.protected}.${jws.payload}`);
  const signature = Buffer.from(jws.signature, "base64url");
  const genuine = keys.alg === "EdDSA"
    ? verify(null, input, key, signature)
    : verify("sha256", input, { key, dsaEncoding: "ieee-p1363" }, signature);
  assert.ok(genuine);
  assert.deepEqual(JSON.parse(Buffer.from(jws.protected, "base64url").toString()), { alg: keys.alg, kid: "ev-x#1", typ: ANSWER_TYPE });
  assert.deepEqual(JSON.parse(Buffer.from(jws.payload, "base64url").toString()), { v: 1, name: "王芳" });
}

test("an answer signed with Ed25519 is verified by another implementation", async () => {
  const keys = await makeKeys();
  assert.equal(keys.alg, "EdDSA");
  assert.equal(keys.privateKey.extractable, false);
  await holds(keys);
});

test("a browser without Ed25519 signs with P-256, and that is verified too", async () => {
  const real = crypto.subtle.generateKey;
  Object.defineProperty(crypto.subtle, "generateKey", {
    configurable: true,
    value: (how: { name: string }, ...rest: unknown[]) =>
      how.name === "Ed25519"
        ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
        : (real as (...all: unknown[]) => Promise<unknown>).call(crypto.subtle, how, ...rest),
  });
  try {
    const keys = await makeKeys();
    assert.equal(keys.alg, "ES256");
    assert.equal(keys.privateKey.extractable, false);
    await holds(keys);
  } finally {
    delete (crypto.subtle as { generateKey?: unknown }).generateKey;
  }
});

test("the thumbprint is that of RFC 8037, and the fingerprint its beginning", async () => {
  const print = await thumbprint({ alg: "EdDSA", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
  assert.equal(base64url(print), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  assert.equal(fingerprint(print), "90FA-CAFE");
});

test("identifiers are ULIDs that sort by time", () => {
  const [early, late] = [ulid(1), ulid(1_795_224_600_120)];
  assert.ok(isUlid(early) && isUlid(late) && early < late);
  assert.equal(ulid(1_469_918_176_385).slice(0, 10), "01ARYZ6S41");
  assert.ok(!isUlid("01J") && !isUlid(late.toLowerCase()));
});
