// 扫码器 on a serial port: a code reaches the case that is open at its window, and whoever has none open is told so.

import assert from "node:assert/strict";
import { Desk } from "../support/desk.mjs";
import { carried } from "../support/codes.mjs";
import { Wedge } from "../support/desk-page.mjs";
import { story } from "../support/story.mjs";

story("a scanner's code reaches the case in hand by every way, and what is no code says so and changes nothing", "serial", async ({ hall, stage }) => {
  const desk = await Desk.at(stage, hall, "W01");
  const { page } = desk;
  const code = carried(200);
  await hall.scan("W01", carried(200));
  await page.locator("#unplaced:not([hidden])").waitFor();
  await stage.shot(page, "no-case");

  await desk.openCase("失业登记");
  await page.locator("#scan").waitFor();
  await hall.scan("W01", code, "slow");
  await page.locator("#scan-said .notice").filter({ hasText: "这不是可识别的办事码" }).waitFor();
  await stage.shot(page, "serial");
  assert.ok(!(await page.content()).includes(code), "what was scanned is not on the page");

  // The same as typed by a keyboard scanner, and pasted.
  await (await Wedge.on(page)).scan(code);
  await page.locator("#page > .notice.harm").filter({ hasText: "R131" }).waitFor();
  await page.keyboard.press("F3");
  await page.locator("#scanned").fill(code);
  await stage.shot(page, "box");
  await stage.accessible(page, "the scan box");
  await page.keyboard.press("Enter");
  await page.locator("#page > .notice.harm").filter({ hasText: "R131" }).waitFor();
  await desk.stepSays("读卡");
  for (const { name, text } of await hall.logs()) {
    assert.ok(!text.includes(code.slice(0, 24)), `${name} holds what was scanned`);
  }
});
