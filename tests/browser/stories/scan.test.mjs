// 扫码: what a keyboard scanner types and a camera sees reaches the case in hand, whatever has the focus, and leaves no trace.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { Stage } from "../support/browser.mjs";
import { carried, modules } from "../support/codes.mjs";
import { Wedge, openDesk } from "../support/desk-page.mjs";
import { ROOT, until } from "../support/hall.mjs";

const DESK = { width: 1366, height: 768 };

/** Runs `tell` with a page of the desk. */
async function atDesk(folder, tell, options = {}, launch = {}) {
  const stage = await Stage.open(folder, launch);
  try {
    const page = await stage.page("desk", DESK, launch.context);
    const posted = await openDesk(page, options);
    await tell(page, posted, stage);
    stage.quiet();
  } finally {
    await stage.close();
  }
}

const received = (posted, count) => until(`${count} scans`, () => posted.length >= count && posted);

test("a scan goes to the case wherever the focus stands, and leaves the field as it was", { timeout: 120_000 }, () =>
  atDesk("scan-keys", async (page, posted) => {
    const wedge = await Wedge.on(page);
    for (const [at, focus] of ["#name", "#text", "#window", "#press", "#page", "#scanned"].entries()) {
      const code = carried(180 + at);
      if (focus === "#scanned") {
        await page.keyboard.press("F3");
      } else {
        await page.locator(focus).focus();
      }
      const writes = ["#name", "#text"].includes(focus);
      if (writes) {
        await page.locator(focus).fill("张三");
      }
      // What the field looks like is looked at before the page is exchanged.
      await page.evaluate((where) => {
        globalThis.seen = null;
        document.addEventListener("htmx:beforeSend", () => (globalThis.seen = document.querySelector(where).value), { once: true });
      }, writes || focus === "#window" ? focus : "#name");
      await wedge.scan(code);
      await received(posted, at + 1);
      assert.deepEqual(posted.at(-1), { path: "/cases/c1/scan", form: { csrf: "t", carrier: "keyboard", text: code } }, focus);
      assert.equal(await page.evaluate(() => globalThis.seen), writes ? "张三" : focus === "#window" ? "W01" : "", focus);
      await page.locator("#checking").waitFor({ state: "hidden" });
    }
    assert.equal(await page.evaluate(() => globalThis.pressed), 0, "no Enter of a scanner presses a button");
  }));

test("Caps Lock, a layout and an input method do not matter", { timeout: 120_000 }, () =>
  atDesk("scan-ime", async (page, posted) => {
    const code = carried(200);
    for (const change of [{ capsLock: true }, { key: "é" }, { key: "Dead" }]) {
      await page.locator("#name").focus();
      const already = posted.length;
      await (await Wedge.on(page, change)).scan(code);
      await received(posted, already + 1);
      assert.equal(posted.at(-1).form.text, code, JSON.stringify(change));
    }
    // A busy browser may take the composition before or after the scan, not within it as a keyboard would: then it is tried anew.
    const composed = () => composeAndScan(page, posted, code);
    assert.equal(await composed() || await composed() || await composed() || await composed(), "李h", "what was composed stood in the field");
  }));

/** Scans while an input method composes from the first key. Gives what stood composed in the field, if anything did. */
async function composeAndScan(page, posted, code) {
  await page.locator("#name").fill("李");
  await page.locator("#name").evaluate((field) => {
    field.setSelectionRange(1, 1);
    globalThis.composed = "";
    const compose = (event) => {
      globalThis.composed ||= event.isComposing ? event.target.value : "";
    };
    field.addEventListener("keydown", () => field.addEventListener("input", compose), { once: true });
    field.addEventListener("blur", () => field.removeEventListener("input", compose), { once: true });
    document.addEventListener("htmx:beforeSend", () => {
      globalThis.sent = field.value;
    }, { once: true });
  });
  const wedge = await Wedge.on(page, { ime: true });
  const before = posted.length;
  await Promise.all([
    wedge.scan(code.slice(0, 1), null),
    wedge.cdp.send("Input.imeSetComposition", { text: "h", selectionStart: 1, selectionEnd: 1 }),
    wedge.scan(code.slice(1)),
  ]);
  await received(posted, before + 1);
  assert.equal(posted.at(-1).form.text, code);
  const { composed, sent } = await page.evaluate(() => ({ composed: globalThis.composed, sent: globalThis.sent }));
  if (composed) {
    assert.equal(sent, "李", "nothing of the scan stays in the field");
  }
  return composed;
}

test("people's typing arrives whole, and their keys keep their meaning", { timeout: 120_000 }, () =>
  atDesk("scan-typing", async (page, posted) => {
    await page.locator("#name").focus();
    await page.keyboard.type("HB1: hb1:519900 Wang", { delay: 60 });
    assert.equal(await page.locator("#name").inputValue(), "HB1: hb1:519900 Wang");
    await page.locator("#page").focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => globalThis.pressed), 1);
    // What is pasted into the box is the clerk's own word.
    await page.keyboard.press("F3");
    await page.locator("#scanned").fill("HB1:6BF");
    await page.keyboard.press("Enter");
    await received(posted, 1);
    assert.deepEqual(posted[0].form, { csrf: "t", carrier: "typed", text: "HB1:6BF" });
  }));

test("garbage does no harm and gets a sentence", { timeout: 120_000 }, () =>
  atDesk("scan-garbage", async (page, posted) => {
    const wedge = await Wedge.on(page);
    await page.locator("#name").focus();
    await wedge.scan(`HB1:${"A".repeat(6_000)}`);
    await page.locator("#unread").waitFor();
    // A machine too busy for so many keys may have taken the first of them for a short code, which the box then refuses.
    const halves = posted.length;
    assert.ok(halves <= 1 && posted.every(({ form }) => /^HB1:A+$/.test(form.text)));
    assert.equal(await page.locator("#name").inputValue(), "");
    await page.locator("#press").focus();
    await wedge.scan("https://example.com/pay?id=1");
    await received(posted, halves + 1);
    assert.equal(posted.at(-1).form.text, "https://example.com/pay?id=1", "the box says what it is not");
    assert.equal(await page.evaluate(() => globalThis.pressed), 0);
  }));

test("where no case is in hand a scan is told what to do", { timeout: 120_000 }, () =>
  atDesk("scan-nowhere", async (page, posted) => {
    await (await Wedge.on(page)).scan(carried(180));
    await page.locator("#unplaced").waitFor();
    assert.equal(posted.length, 0);
  }, { withCase: false }));

test("the camera of the clerk's machine reads a code, and is off afterwards", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "hall-camera-"));
  try {
    const code = carried(220);
    const film = path.join(folder, "code.y4m");
    await writeFile(film, picture(code));
    const launch = { args: ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`] };
    await atDesk("scan-camera", async (page, posted, stage) => {
      const asked = [];
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await page.keyboard.press("F3");
      assert.ok(!asked.includes("/assets/scan-camera.js"), "who opens no camera loads none");
      await page.locator("#camera").click();
      await received(posted, 1);
      await stage.shot(page, "camera");
      assert.deepEqual(posted[0].form, { csrf: "t", carrier: "camera", text: code });
      assert.ok(asked.includes("/assets/scan-camera.js"));
    }, {}, launch);
    // Without permission the box says what to do.
    await atDesk("scan-camera-denied", async (page) => {
      await page.keyboard.press("F3");
      await page.locator("#camera").click();
      await page.locator("#camera-says").filter({ hasText: /denied|none/ }).waitFor();
    }, {}, {});
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** One frame of a film, 640×480, with the code on it: raw grey, as a camera that stands still. */
function picture(text) {
  const grid = modules(text, path.join(ROOT, "devices/evaluator/package.json"));
  const [width, height] = [640, 480];
  const scale = Math.floor(height / (grid.length + 8));
  const [left, top] = [(width - grid.length * scale) >> 1, (height - grid.length * scale) >> 1];
  const luma = Buffer.alloc(width * height, 235);
  for (const [y, row] of grid.entries()) {
    for (const [x, dark] of row.entries()) {
      for (let dy = 0; dark && dy < scale; dy += 1) {
        luma.fill(16, (top + y * scale + dy) * width + left + x * scale, (top + y * scale + dy) * width + left + (x + 1) * scale);
      }
    }
  }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, Buffer.alloc((width * height) / 2, 128)]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]);
}
