// Getting a name: the device shows a code, a technician types it at the box, the box hands out name and secret.

import { hex } from "./jcs";
import { base64url, fingerprint, PAIRING_TYPE, sign, thumbprint } from "./jws";
import { signerOf } from "./keys";
import type { DeviceKeys, Identity } from "./store";

export type PairingView =
  | { state: "asking" }
  | { state: "code"; code: string; fingerprint: string; expiresAt: number; troubled: boolean }
  | { state: "unreachable" };

type Begun = { pair: string; code: string; poll: string; expires_in: number; interval: number };

/** Runs until a technician has bound the device. `show` is told what to put on the glass. */
export async function pair(keys: DeviceKeys, show: (view: PairingView) => void): Promise<Identity> {
  const print = await thumbprint(keys.publicKey);
  show({ state: "asking" });
  for (;;) {
    const begun = await begin(keys, print);
    if (!begun) {
      show({ state: "unreachable" });
      await pause(5_000);
      continue;
    }
    const expiresAt = Date.now() + begun.expires_in * 1_000;
    const view = { state: "code", code: begun.code, fingerprint: fingerprint(print), expiresAt } as const;
    show({ ...view, troubled: false });
    while (Date.now() < expiresAt) {
      await pause(Math.max(1, begun.interval) * 1_000);
      const answer = await progress(begun);
      if (answer === "gone") {
        break;
      }
      show({ ...view, troubled: answer === "unreachable" });
      if (typeof answer === "object") {
        return answer;
      }
    }
  }
}

async function begin(keys: DeviceKeys, print: Uint8Array): Promise<Begun | null> {
  const payload = {
    v: 1,
    kind: "evaluator",
    pub: keys.publicKey,
    model: browserName(),
    serial: "",
    sw: __VERSION__,
    nonce: base64url(crypto.getRandomValues(new Uint8Array(18))),
  };
  const body = await sign(signerOf(keys), `sha-256:${hex(print)}`, PAIRING_TYPE, payload);
  try {
    const response = await fetch("/pair/v1/begin", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
    });
    if (!response.ok) {
      return null;
    }
    const begun = (await response.json()) as Partial<Begun>;
    return typeof begun.pair === "string" && typeof begun.code === "string" && typeof begun.poll === "string"
      ? { pair: begun.pair, code: begun.code, poll: begun.poll, expires_in: begun.expires_in ?? 600, interval: begun.interval ?? 2 }
      : null;
  } catch {
    return null;
  }
}

async function progress(begun: Begun): Promise<Identity | "waiting" | "gone" | "unreachable"> {
  try {
    const response = await fetch(`/pair/v1/${begun.pair}`, {
      headers: { authorization: `Bearer ${begun.poll}` },
      cache: "no-store",
    });
    if (response.status === 404 || response.status === 410 || response.status === 401) {
      return "gone";
    }
    if (!response.ok) {
      return "unreachable";
    }
    const body = (await response.json()) as { status?: string; device?: string; key_gen?: number; mqtt?: { secret?: string } };
    const secret = body.mqtt?.secret;
    return body.status === "bound" && body.device && body.key_gen !== undefined && secret
      ? { device: body.device, keyGen: body.key_gen, secret }
      : "waiting";
  } catch {
    return "unreachable";
  }
}

function browserName(): string {
  const version = /Chrom(?:e|ium)\/(\d+)/.exec(navigator.userAgent)?.[1];
  return version ? `Chromium ${version}, ${screen.width}×${screen.height}` : `${screen.width}×${screen.height}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
