// The device's own key: made here, kept here, never readable.

import type { PublicKey, Signer } from "./jws";
import type { DeviceKeys } from "./store";

/** Ed25519 where the browser has it, else P-256. */
export async function makeKeys(): Promise<DeviceKeys> {
  try {
    const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"])) as CryptoKeyPair;
    const { x } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    return { alg: "EdDSA", privateKey: pair.privateKey, publicKey: { alg: "EdDSA", x: needed(x) } };
  } catch {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const { x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const publicKey: PublicKey = { alg: "ES256", x: needed(x), y: needed(y) };
    return { alg: "ES256", privateKey: pair.privateKey, publicKey };
  }
}

export function signerOf(keys: DeviceKeys): Signer {
  const how = keys.alg === "EdDSA" ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
  return {
    alg: keys.alg,
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign(how, keys.privateKey, message as Uint8Array<ArrayBuffer>)),
  };
}

function needed(coordinate: string | undefined): string {
  if (!coordinate) {
    throw new Error("browser exported no public key");
  }
  return coordinate;
}
