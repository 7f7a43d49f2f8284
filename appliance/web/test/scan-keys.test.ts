import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { END_MS, GAP_MS, MAX_SCAN, ScanKeys, isReceipt, narrow, tidy, type Key, type Scan, type Step } from "../src/scan-keys";

const CODE = "HB1:6BF+70790T9WTWGX1F5 $%*+-./:0";

/** The physical key of a character on a US keyboard. */
function physical(character: string): { code: string; shift: boolean } {
  const upper = character.toUpperCase();
  if (/[A-Z]/.test(upper)) return { code: `Key${upper}`, shift: character === upper };
  if (/\d/.test(character)) return { code: `Digit${character}`, shift: false };
  const over = ")!@#$%^&*(".indexOf(character);
  if (over >= 0) return { code: `Digit${over}`, shift: true };
  const signs: { [sign: string]: [string, boolean] } = {
    " ": ["Space", false], "-": ["Minus", false], _: ["Minus", true], "+": ["Equal", true], ".": ["Period", false], "/": ["Slash", false],
    ":": ["Semicolon", true], "?": ["Slash", true], "=": ["Equal", false], "\n": ["Enter", false], "\t": ["Tab", false],
  };
  const [code, shift] = signs[character] ?? ["Backquote", false];
  return { code, shift };
}

/** A keyboard with a clock that only the test moves. */
class Keyboard {
  keys = new ScanKeys();
  at = 1_000;
  steps: Step[] = [];

  press(change: Partial<Key>, gap: number): Step {
    this.at += gap;
    const step = this.keys.press({ at: this.at, code: "", key: "", shift: false, modified: false, repeat: false, inText: true, secret: false, ...change });
    this.steps.push(step);
    return step;
  }

  /** As a scanner: each capital and sign with a Shift of its own. */
  type(text: string, gap = 8, change: Partial<Key> = {}): this {
    for (const character of text) {
      const { code, shift } = physical(character);
      if (shift) this.press({ code: "ShiftLeft", key: "Shift" }, 0);
      this.press({ code, key: character, shift, ...change }, gap);
    }
    return this;
  }

  get scans(): Scan[] {
    return this.steps.flatMap((step) => (step.scan ? [step.scan] : []));
  }

  get swallowed(): number {
    return this.steps.filter((step) => step.swallow).length;
  }
}

test("a code with Enter behind it is taken, and taken away from the field from its prefix on", () => {
  const board = new Keyboard().type(`${CODE}\n`);
  assert.deepEqual(board.scans, [{ text: CODE }]);
  assert.equal(board.steps.filter((step) => step.began).length, 1);
  assert.equal(board.swallowed, CODE.length + 1 - 3, "all but the three keys before the prefix was whole");
});

test("Tab ends a code like Enter, and so does a pause", () => {
  assert.deepEqual(new Keyboard().type(`${CODE}\t`).scans, [{ text: CODE }]);
  const board = new Keyboard().type(CODE);
  assert.deepEqual(board.scans, []);
  assert.deepEqual(board.keys.pause(), { text: CODE });
  assert.equal(board.keys.pause(), null);
});

test("a second Enter right behind a code presses nothing, a later one does", () => {
  const board = new Keyboard().type(`${CODE}\n\n`);
  assert.deepEqual(board.scans, [{ text: CODE }]);
  assert.equal(board.swallowed, CODE.length + 2 - 3);
  assert.equal(board.press({ code: "Enter", key: "Enter" }, END_MS).swallow, false);
});

test("what the input method makes of a key does not matter", () => {
  assert.deepEqual(new Keyboard().type(`${CODE}\n`, 8, { key: "Process" }).scans, [{ text: CODE }]);
  assert.deepEqual(new Keyboard().type(`${CODE}\n`, 8, { key: "Dead" }).scans, [{ text: CODE }]);
});

test("a scanner that sets Shift for Caps Lock says the same in small letters", () => {
  assert.deepEqual(new Keyboard().type(`${CODE.toLowerCase()}\n`).scans, [{ text: CODE }]);
});

test("without physical keys the characters are read, wide ones too", () => {
  const wide = [...CODE].map((one) => (one === " " ? "\u3000" : String.fromCharCode(one.charCodeAt(0) + 0xfee0)));
  const board = new Keyboard();
  for (const key of wide) board.press({ key }, 8);
  board.press({ key: "Enter" }, 8);
  assert.deepEqual(board.scans, [{ text: CODE }]);
});

test("people's typing is never swallowed, however quick two keys are", () => {
  const quick = [30, 90, 45, 120, 20, 70];
  const board = new Keyboard();
  [..."hb1:519900199003070011 Wang Fang\n"].forEach((one, at) => board.type(one, quick[at % quick.length]));
  assert.equal(board.swallowed, 0);
  assert.deepEqual(board.scans, []);
  const slow = new Keyboard().type("HB1:ABC\n", GAP_MS);
  assert.equal(slow.swallowed, 0);
});

test("a key held down is no scanner", () => {
  const board = new Keyboard();
  board.press({ code: "KeyA", key: "a" }, 100);
  for (let at = 0; at < 60; at += 1) board.press({ code: "KeyA", key: "a", repeat: true }, 33);
  assert.equal(board.swallowed, 0);
  assert.equal(board.keys.pause(), null);
});

test("a quick run that says nothing known is taken as a whole, and its Enter presses nothing", () => {
  const board = new Keyboard().type("https://example.com/?a=1\n");
  assert.deepEqual(board.scans, [{ text: "https://example.com/?a=1" }]);
  const short = new Keyboard().type("690123\n", 8, { inText: false });
  assert.deepEqual(short.scans, [{ text: "690123" }]);
  assert.ok(short.steps.at(-1)?.swallow);
  const shorter = new Keyboard().type("690 \n", 8, { inText: false });
  assert.deepEqual(shorter.scans, []);
  assert.deepEqual(shorter.steps.map((step) => step.swallow), [false, false, false, true, true]);
});

test("what stands before the prefix in the same run is not part of the code", () => {
  assert.deepEqual(new Keyboard().type(`xx${CODE}\n`).scans, [{ text: CODE }]);
});

test("ten thousand characters are one refusal and leave nothing behind", () => {
  const board = new Keyboard().type(`HB1:${"A".repeat(10_000)}\n`);
  assert.deepEqual(board.scans, [{ unread: true }]);
  board.at += 1_000;
  board.type(`${CODE}\n`);
  assert.deepEqual(board.scans[1], { text: CODE });
  const longest = new Keyboard().type(`HB1:${"A".repeat(MAX_SCAN - 4)}\n`).scans[0];
  assert.ok(longest && "text" in longest && longest.text.length === MAX_SCAN);
});

test("control characters inside a scan are neither text nor a command", () => {
  const board = new Keyboard().type("HB1:AB");
  assert.ok(board.press({ code: "KeyP", key: "p", modified: true }, 8).swallow);
  assert.ok(board.press({ code: "F4", key: "F4" }, 8).swallow);
  board.type("CD\n");
  assert.deepEqual(board.scans, [{ text: "HB1:ABCD" }]);
  assert.equal(new Keyboard().press({ code: "KeyP", key: "p", modified: true }, 8).swallow, false);
});

test("a half code is handed on as it is, and the next one is whole", () => {
  const board = new Keyboard().type("HB1:6BF");
  assert.deepEqual(board.keys.pause(), { text: "HB1:6BF" });
  board.at += END_MS;
  assert.ok(board.keys.begins(board.at));
  assert.deepEqual(board.type(`${CODE}\n`).scans, [{ text: CODE }]);
});

test("a scan whose end was not noticed is handed on before the next key of a person, which stays theirs", () => {
  const board = new Keyboard().type("HB1:6BF");
  assert.deepEqual(board.press({ code: "KeyW", key: "w" }, 5_000), { swallow: false, began: false, scan: { text: "HB1:6BF" } });
});

test("keys that were held up behind a pause are no typing of a person, and no code", () => {
  const board = new Keyboard().type("HB1:6BF+7");
  assert.deepEqual(board.keys.pause(), { text: "HB1:6BF+7" });
  board.steps = [];
  board.type("0790T9\n");
  assert.equal(board.swallowed, 7);
  assert.deepEqual(board.scans, [{ unread: true }]);
  board.at += END_MS;
  assert.equal(new Keyboard().type("w").swallowed, 0);
});

test("text is made plain: wide letters, small letters of a code, control characters, white space", () => {
  assert.equal(tidy("  hb1:ab\u0000c\r\n"), "HB1:ABC");
  assert.equal(tidy("Ab c"), "Ab c");
  assert.equal(narrow("ＨＢ１：\u3000"), "HB1: ");
});

test("a password that is filled in is nobody's code, and a code is one even there", () => {
  for (const text of ["hunter22\n", "correct horse battery\n", "correct horse battery\t"]) {
    const filled = new Keyboard().type(text, 2, { secret: true });
    assert.ok(filled.steps.every((step) => !step.swallow && !step.began && step.scan === null), text);
  }
  assert.ok(new Keyboard().type(`${CODE}\n`, 2, { secret: true }).steps.some((step) => step.scan && "text" in step.scan));
});

test("a printed receipt is told from what phones show, by the published examples", () => {
  const example = (name: string): string => readFileSync(`../../docs/protocol/vectors/phone/${name}.txt`, "utf8");
  assert.equal(isReceipt(example("receipt")), true);
  assert.equal(isReceipt(example("receipt").toLowerCase()), true);
  for (const other of ["code-own", "code-answer", "ask-consent", "say-face"]) assert.equal(isReceipt(example(other)), false, other);
  assert.equal(isReceipt("990001-20261121-00001"), false);
});
