// The phone's own key: made here, kept here, never readable.

import type { Bytes } from "./message/bytes";
import { fromBase64url } from "./message/bytes";
import type { Sign } from "./message/cose";
import type { DeviceKey, Store } from "./store";

export async function deviceKey(store: Store): Promise<DeviceKey> {
  const kept = await store.key();
  if (kept) {
    return kept;
  }
  const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"])) as CryptoKeyPair;
  const { x } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const made = { privateKey: pair.privateKey, publicKey: fromBase64url(x ?? "") };
  await store.putKey(made);
  return made;
}

export function signerOf(key: DeviceKey): Sign {
  return async (message: Bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key.privateKey, message));
}
