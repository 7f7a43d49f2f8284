/**
 * What a scanner types, told from what people type. Pure: keys with their times go in, and what to do with each comes
 * out. A scanner sends physical keys of a US keyboard, some milliseconds apart; what the input method, Caps Lock or the
 * layout makes of them does not matter, because only `code` and Shift are read.
 */

/** A key as it goes down. */
export type Key = {
  /** When, in milliseconds, by the clock of the input event. */
  at: number;
  /** The physical key, "KeyA"; empty where the system does not say. */
  code: string;
  /** What the system made of it. Read only where `code` is empty. */
  key: string;
  shift: boolean;
  /** Ctrl, Alt or the like is down too. */
  modified: boolean;
  /** Held down. */
  repeat: boolean;
  /** The focus is where characters are written. */
  inText: boolean;
  /** It is a password that is being written. What fills in passwords types as quickly as a scanner: only a code of the province is taken out. */
  secret: boolean;
};

/** What to do with a key. */
export type Step = {
  /** Keep it from whatever has the focus. */
  swallow: boolean;
  /** A scanner has been recognised just now: what it has typed into the focus so far is to be taken out. */
  began: boolean;
  /** It has finished. */
  scan: Scan | null;
};

/** What was scanned; nothing that can be read, where it is too long or was cut in two. */
export type Scan = { text: string } | { unread: true };

/** Keys of a scanner follow one another within this time. */
export const GAP_MS = 50;
/** After this time without a key it has finished, if it ends with no Enter. */
export const END_MS = 100;
/** What every code of the province begins with. */
export const PREFIX = "HB1:";
/** So many keys in one run are no person's, whatever they say: a plain code (政务码 of another system), or nothing known. */
export const PLAIN_KEYS = 12;
/** So many are not, if Enter follows as quickly. */
const PLAIN_KEYS_ENTERED = 6;
/** Longer is no code. */
export const MAX_SCAN = 4_500;

const PASS: Step = { swallow: false, began: false, scan: null };

/** Recognises scanners among keys. */
export class ScanKeys {
  private text = "";
  private last = Number.NEGATIVE_INFINITY;
  private taken = false;
  private ended = Number.NEGATIVE_INFINITY;
  /** The last key of a scan that a pause has ended. */
  private paused = Number.NEGATIVE_INFINITY;
  private broken = false;

  /** Whether the next key would begin a run: then what stands in the field is what stood there before the scanner. */
  begins(at: number): boolean {
    return !this.taken && (this.text === "" || at - this.last >= GAP_MS);
  }

  /** A key goes down. */
  press(key: Key): Step {
    if (isModifier(key)) return PASS;
    if (key.at - this.last < (this.taken ? END_MS : GAP_MS)) return this.next(key);
    // On a busy machine the key after the pause comes before the pause is noticed.
    const scan = this.pause();
    return { ...this.next(key), scan };
  }

  private next(key: Key): Step {
    const character = characterOf(key);
    if (key.repeat) {
      const swallow = this.taken;
      if (!swallow) this.forget();
      return { ...PASS, swallow };
    }
    const ends = (key.code || key.key) === "Enter" || key.code === "NumpadEnter" || (key.code || key.key) === "Tab";
    if (ends) {
      const scanned = this.taken || (!key.secret && this.text.length >= PLAIN_KEYS_ENTERED);
      // Scanners that end with CR and LF press Enter twice.
      if (!scanned) return key.at - this.ended < END_MS ? { ...PASS, swallow: true } : this.idle(key);
      this.ended = key.at;
      const began = !this.taken;
      return { swallow: true, began, scan: this.finish() };
    }
    if (key.modified || character === null) {
      // Scanners send control characters as keys with Ctrl. Inside a scan they are neither text nor a command.
      if (this.taken) {
        this.last = key.at;
        return { ...PASS, swallow: true };
      }
      this.forget();
      return PASS;
    }
    this.last = key.at;
    // By its own time this key belongs to a scan that seemed to be over: the machine was busy. It is nobody's typing.
    if (!this.taken && key.at - this.paused < END_MS) {
      this.taken = true;
      this.broken = true;
    }
    if (this.text.length <= MAX_SCAN) this.text += character;
    if (this.taken) return { ...PASS, swallow: true };
    const begins = this.text.length >= PREFIX.length && this.text.slice(-PREFIX.length).toUpperCase() === PREFIX;
    if (begins) this.text = PREFIX;
    if (begins || (!key.secret && this.text.length >= PLAIN_KEYS)) {
      this.taken = true;
      return { swallow: true, began: true, scan: null };
    }
    return this.idle(key);
  }

  /** No key for `END_MS`. */
  pause(): Scan | null {
    if (!this.taken) {
      this.forget();
      return null;
    }
    this.paused = this.last;
    return this.finish();
  }

  /** On a button, Space and Enter in the middle of a quick run press nothing. */
  private idle(key: Key): Step {
    const presses = key.code === "Space" || key.code === "Enter" || key.code === "NumpadEnter";
    return { ...PASS, swallow: presses && !key.inText && this.text.length >= 3 };
  }

  private finish(): Scan | null {
    const { text, broken } = this;
    this.forget();
    return broken || text.length > MAX_SCAN ? { unread: true } : { text: tidy(text) };
  }

  private forget(): void {
    this.text = "";
    this.taken = false;
    this.broken = false;
    this.last = Number.NEGATIVE_INFINITY;
  }
}

/** Without what surrounds it; a code of the province in capitals, whatever Caps Lock made of it. */
export function tidy(text: string): string {
  const plain = narrow(text).replace(/[\u0000-\u001f\u007f]/g, "").trim();
  return plain.slice(0, PREFIX.length).toUpperCase() === PREFIX ? plain.toUpperCase() : plain;
}

/** Full-width letters, digits and signs as the plain ones that were meant. */
export function narrow(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/\u3000/g, " ");
}

const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/** The type of a printed receipt stands within so many characters of its code. */
const TYPE_WITHIN = 90;

/** Whether a code is that of a printed receipt, which is about a case and about nobody who stands there. The box verifies it. */
export function isReceipt(text: string): boolean {
  const coded = tidy(text);
  if (!coded.startsWith(PREFIX)) return false;
  const digits = Array.from(coded.slice(PREFIX.length, PREFIX.length + TYPE_WITHIN), (letter) => BASE45.indexOf(letter));
  let bytes = "";
  // RFC 9285: three characters stand for two bytes, the lowest digit first.
  for (let n = 0; n + 2 < digits.length; n += 3) {
    const value = (digits[n] ?? -1) + 45 * (digits[n + 1] ?? -1) + 2025 * (digits[n + 2] ?? -1);
    bytes += String.fromCharCode((value >> 8) & 0xff, value & 0xff);
  }
  return bytes.includes("hall-rcp+cwt");
}

const MODIFIERS = ["Shift", "Control", "Alt", "Meta", "CapsLock", "NumLock", "OS"];

function isModifier({ code, key }: Key): boolean {
  return MODIFIERS.some((name) => code.startsWith(name)) || (code === "" && MODIFIERS.includes(key));
}

const SIGNS: { readonly [code: string]: string } = {
  Space: "  ", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"",
  Comma: ",<", Period: ".>", Slash: "/?", Backquote: "`~", IntlBackslash: "\\|",
  NumpadAdd: "++", NumpadSubtract: "--", NumpadMultiply: "**", NumpadDivide: "//", NumpadDecimal: "..",
};
const OVER_DIGITS = ")!@#$%^&*(";

/** The character of a key on a US keyboard, or null if it has none. */
function characterOf({ code, key, shift }: Key): string | null {
  if (code === "") return narrow(key).length === 1 ? narrow(key) : null;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return shift ? letter : letter.toLowerCase();
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  if (digit) return shift ? OVER_DIGITS.charAt(Number(digit)) : digit;
  const pad = /^Numpad(\d)$/.exec(code)?.[1];
  if (pad) return pad;
  return SIGNS[code]?.charAt(shift ? 1 : 0) ?? null;
}
