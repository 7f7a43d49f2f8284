// 评价器: the citizen's screen when things go otherwise - refusals, sleep, a broker that dies, a page that is taken back.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { chromium86 } from "../support/old-browser.mjs";
import { story } from "../support/story.mjs";

story("what the citizen does not agree to is brought on paper", "refusals", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toList();
  await desk.press("F6");
  await citizen.asked();
  await citizen.without("社会保障卡");
  await stage.shot(citizen.page, "evaluator-one-off");
  await citizen.agree();
  await citizen.told("授权成功");
  await stage.shot(citizen.page, "evaluator-partly");
  await desk.page.locator("#case-steps").filter({ hasText: "表单" }).waitFor();
  await desk.page.locator(".upload").filter({ hasText: "社会保障卡" }).waitFor();
  await stage.shot(desk.page, "form-partly");
  const card = desk.page.locator("#sheet .field").filter({ hasText: "社会保障卡卡号" });
  assert.equal(await card.locator("input").inputValue(), "", "a refused licence fills nothing");

  await desk.toList({ card: "xu-hao" });
  await desk.press("F6");
  await citizen.asked();
  await citizen.decline();
  await citizen.told("已拒绝授权");
  await stage.shot(citizen.page, "evaluator-refused");
  await desk.stepSays("不同意用证");
  await stage.shot(desk.page, "refused");
});

story("a page survives a dead broker, and one taken back takes no answer", "evaluator", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toList();

  await desk.press("F6");
  await citizen.asked();
  await desk.stepSays("办事人正在看授权页");
  await desk.press("Esc");
  await citizen.idle();
  await desk.stepSays("已取消");

  await desk.press("F6");
  await citizen.asked();
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");

  // The tablet is switched off, and the desk says so; on again, it serves the next one, and survives a dead broker.
  const address = citizen.page.url();
  await citizen.page.goto("about:blank");
  await desk.openCase("失业登记");
  await desk.identify("W01", "xu-hao");
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-step, #case-side").filter({ hasText: "离线" }).first().waitFor();
  await stage.shot(desk.page, "evaluator-off");
  await citizen.page.goto(address);
  await citizen.idle();
  await desk.press("F6");
  await citizen.asked();
  await hall.broker();
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
});

story("a tablet of 2020 serves a citizen: an older browser, and another kind of key", "old-tablet", async ({ hall, stage }) => {
  const signed = [];
  const citizen = await Citizen.at(stage, hall, "W01", async (page) => {
    await page.addInitScript(chromium86);
    page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        const [, head] = /"protected":"([^"]+)"/.exec(payload.toString("latin1")) ?? [];
        if (head) {
          signed.push(JSON.parse(Buffer.from(head, "base64url")));
        }
      }),
    );
  });
  assert.ok(await citizen.page.evaluate(() => globalThis.refusedEd25519 > 0 && !("at" in String.prototype)), "the page met an old browser");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toForm(citizen);
  await desk.completeForm();
  await desk.submit();
  await desk.press("F6");
  await citizen.rate("不满意", "办理时间太长");
  await citizen.told(/(谢谢|感谢)您的评价/);
  await desk.stepSays("不满意");
  // Somebody else than who was rated follows it up.
  await desk.page.goto(`${hall.at.box.url}/findings`);
  const finding = desk.page.locator(".finding").filter({ hasText: "差评回访" });
  await finding.filter({ hasText: "“不满意”" }).filter({ hasText: "期限" }).waitFor();
  await stage.shot(desk.page, "poor-rating");
  await finding.getByRole("button", { name: "我来处理" }).click();
  await desk.page.getByText("不能由您自己处理").waitFor();
  assert.deepEqual([...new Set(signed.map(({ alg }) => alg))], ["ES256"], "every answer was signed with the other kind of key");
  // The key is kept over a restart of the browser's page.
  await citizen.page.reload();
  await citizen.idle();
});

story("a tablet that slept through the night wakes to the present", "asleep", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01", (page) => page.clock.install());
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toList();
  await desk.press("F6");
  await citizen.asked();
  await desk.stepSays("办事人正在看授权页");

  // Asleep: no timer runs and nothing is painted. Meanwhile the broker starts anew, so that its session is gone too.
  const time = () => citizen.page.evaluate(() => [Date.now(), performance.now()]);
  await citizen.page.clock.pauseAt(new Date(Date.now() + 1_000));
  const slept = await time();
  await hall.broker();
  await desk.press("Esc");
  await desk.stepSays("已取消");
  await desk.page.locator("#case-side").filter({ hasText: "设备正在重连" }).waitFor();
  await stage.shot(desk.page, "asleep");
  await desk.page.locator("#case-side").filter({ hasText: "评价器离线" }).waitFor();
  assert.deepEqual(await time(), slept, "it sleeps");
  await citizen.page.locator(".page.authorize").waitFor();

  // Eight hours later somebody touches it. What was on the glass is over; it is there again, and serves.
  await citizen.page.clock.fastForward("08:00:00");
  await citizen.page.clock.resume();
  await until("the old page to leave", async () => (await citizen.page.locator(".page.authorize").count()) === 0);
  await stage.shot(citizen.page, "awake");
  await desk.page.locator("#case-side").filter({ hasText: "空闲" }).waitFor();
  await desk.press("F6");
  await citizen.asked();
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
});
