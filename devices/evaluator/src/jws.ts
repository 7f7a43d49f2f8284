// Flattened JWS (RFC 7515 §7.2.2) over a key that never leaves the browser.

export type Algorithm = "EdDSA" | "ES256";
export type PublicKey = { alg: "EdDSA"; x: string } | { alg: "ES256"; x: string; y: string };
export type Signer = { alg: Algorithm; sign: (message: Uint8Array) => Promise<Uint8Array> };
export type Flattened = { protected: string; payload: string; signature: string };

export const ANSWER_TYPE = "hw-answer+1";
export const PAIRING_TYPE = "hw-pair+1";

export async function sign(signer: Signer, kid: string, typ: string, payload: object): Promise<Flattened> {
  const head = base64url(utf8(JSON.stringify({ alg: signer.alg, kid, typ })));
  const body = base64url(utf8(JSON.stringify(payload)));
  const signature = await signer.sign(utf8(`${head}.${body}`));
  return { protected: head, payload: body, signature: base64url(signature) };
}

/** RFC 7638: the name of a key before the device has one. */
export async function thumbprint(key: PublicKey): Promise<Uint8Array> {
  const jwk =
    key.alg === "EdDSA"
      ? { crv: "Ed25519", kty: "OKP", x: key.x }
      : { crv: "P-256", kty: "EC", x: key.x, y: key.y };
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(JSON.stringify(jwk))));
}

/** "1A2B-3C4D", shown beside the same on the technician's screen. */
export function fingerprint(print: Uint8Array): string {
  const digits = Array.from(print.slice(0, 4), (byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
  return `${digits.slice(0, 2).join("")}-${digits.slice(2).join("")}`;
}

export function base64url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
