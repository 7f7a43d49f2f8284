// ULIDs as the box writes them: 48 bits of time, 80 of chance, Crockford's alphabet, upper case.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function ulid(ms: number, random: Uint8Array = crypto.getRandomValues(new Uint8Array(16))): string {
  let time = "";
  for (let rest = Math.max(0, Math.floor(ms)), place = 0; place < 10; place += 1) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let chance = "";
  for (let place = 0; place < 16; place += 1) {
    chance += ALPHABET.charAt((random[place] ?? 0) & 31);
  }
  return time + chance;
}

export function isUlid(text: unknown): text is string {
  return typeof text === "string" && /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
