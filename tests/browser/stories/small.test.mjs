// A small phone in large type: what somebody has to see stands on the screen, above the tabs.

import assert from "node:assert/strict";
import { qrIn } from "../support/phone.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

const SMALL = { width: 360, height: 640 };

/** Whether an element stands between the title and the tabs. */
async function inSight(page, selector) {
  const [box, header, tabs] = await Promise.all([page.locator(selector), page.locator(".page > header"), page.locator(".page > nav")].map((place) => place.boundingBox()));
  return box.y >= header.y + header.height - 1 && box.y + box.height <= tabs.y + 1 && box.x >= 0 && box.x + box.width <= SMALL.width;
}

story("on a small phone in large type the code fits, and what went wrong is said in sight, at its field", "small-phone", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const phone = await window.phone("wang-fang");
  const { page } = phone;
  await page.setViewportSize(SMALL);
  await phone.largeType();
  await phone.showCode("zw");
  assert.ok(await inSight(page, ".modules"), "the code stands on one screen");
  assert.match(qrIn(await page.screenshot()), /^HB1:/, "and can be read from it");
  await stage.shot(page, "code");

  await phone.open("home");
  await page.locator(".services").waitFor();
  const clipped = await page.locator(".services svg path").evaluateAll((paths) => paths.filter((path) => {
    const { x, y, width, height } = path.getBBox();
    return x < 0 || y < 0 || x + width > 24 || y + height > 24;
  }).length);
  assert.equal(clipped, 0, "no drawing is cut off");
  await page.locator(".services").scrollIntoViewIfNeeded();
  await stage.shot(page, "home");

  const { name, number } = (await hall.cast()).find(({ slug }) => slug === "zhang-wei");
  const mistyped = number.slice(0, -1) + (number.endsWith("1") ? "2" : "1");
  await phone.open("delegate/own");
  await page.getByLabel("姓名").fill(name);
  await page.getByLabel("证件号码").fill(mistyped);
  await page.getByLabel("居民身份证", { exact: true }).check();
  await phone.button("发起委托").tap();
  await phone.face();
  await page.locator(".trouble").filter({ hasText: "对方的证件号码不对" }).waitFor();
  assert.ok(await inSight(page, ".trouble"), "what went wrong is in sight");
  assert.equal(await page.getByLabel("证件号码").getAttribute("aria-invalid"), "true");
  await stage.shot(page, "mistyped");
  await page.getByLabel("证件号码").fill(number);
  assert.equal(await page.getByLabel("证件号码").getAttribute("aria-invalid"), null);

  // The window is called what the hall calls it.
  const { desk } = window;
  await desk.openCase("失业登记");
  await desk.press("F4");
  await phone.scanFrom(await window.glass());
  await phone.titled("窗口刷脸");
  const { name: called } = hall.at.windows.find(({ id }) => id === "W01");
  assert.ok(called, "windows have names");
  await phone.says(called);
  assert.doesNotMatch(await page.locator("main").innerText(), /W01/);
  await stage.shot(page, "window");
});
