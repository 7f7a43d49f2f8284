// 自助终端: the evaluator's page as an installed application, on a tablet that starts before its box.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

story("an evaluator that starts while its box is away shows its own page, and goes on by itself", "kiosk", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const { page } = citizen;
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === "activated");
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);

  const session = await page.context().newCDPSession(page);
  const errors = await until("the browser's word on installing", async () => (await session.send("Page.getInstallabilityErrors")).installabilityErrors);
  // A profile without a window of its own installs nothing; that is the story's doing.
  assert.deepEqual(errors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito"), []);

  await hall.box("stop");
  await page.reload();
  await page.locator("#glass").filter({ hasText: /正在/ }).waitFor();
  await stage.shot(page, "without-box");
  assert.match(await page.title(), /评价器$/);

  await hall.box("start");
  await citizen.idle();
  await stage.shot(page, "back");

  // 公告: hung up once, it is on the glass of everybody's, over a restart too, and goes when it is taken down.
  const technician = new Desk(await stage.page("technician", { width: 1366, height: 768 }), hall);
  await technician.signIn(hall.account("hall-admin"));
  const hang = async (text) => {
    await technician.page.goto(`${hall.at.box.url}/devices`);
    await technician.page.getByRole("textbox", { name: "公告" }).fill(text);
    await technician.page.getByRole("button", { name: "发布" }).click();
  };
  await hang("今日 17:00 后只收件");
  await page.locator(".idle footer").filter({ hasText: "今日 17:00 后只收件" }).waitFor();
  await technician.page.getByText("公告已发布").waitFor();
  await stage.shot(technician.page, "notice-devices");
  await page.reload();
  await page.locator(".idle footer").filter({ hasText: "今日 17:00 后只收件" }).waitFor();
  await stage.shot(page, "notice");
  await hang("");
  await page.locator(".idle footer:empty").waitFor({ state: "attached" });

  // What is new at the box is there at the next start, although an older page is kept.
  await page.evaluate(async () => (await caches.open("hall-evaluator-shell")).put("/evaluator/", new Response("<title>alt</title>", { headers: { "content-type": "text/html" } })));
  await page.reload();
  await citizen.idle();
  const kept = await page.evaluate(async () => (await (await caches.open("hall-evaluator-shell")).match("/evaluator/")).text());
  assert.match(kept, /评价器/, "and kept in place of the older one");
  // Files of the program alone, nothing of anybody.
  const names = await page.evaluate(async () => (await (await caches.open("hall-evaluator-shell")).keys()).map(({ url }) => new URL(url).pathname));
  assert.deepEqual(names.sort(), ["", "app.css", "app.js", "icon-192.png", "icon-512.png", "manifest.webmanifest"].map((file) => `/evaluator/${file}`));
});
