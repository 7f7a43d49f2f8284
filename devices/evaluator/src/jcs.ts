// RFC 8785: one way to write a JSON value, so that device and box compute the same digest of the same page.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Canonical text of a value. Throws on what JSON cannot hold (lone surrogates, infinities). */
export function canonical(value: Json): string {
  if (value === null || typeof value === "boolean") {
    return String(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) {
      throw new Error("number is not finite");
    }
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    return text(value);
  }
  if (isList(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  // Array.prototype.sort compares UTF-16 code units, as the RFC asks.
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${text(key)}:${canonical(value[key] as Json)}`).join(",")}}`;
}

/** `sha-256:` and the digest of the canonical form. */
export async function digestOf(value: Json): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(value)));
  return `sha-256:${hex(new Uint8Array(bytes))}`;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function text(value: string): string {
  if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) {
    throw new Error("text holds half a character");
  }
  return JSON.stringify(value);
}
