// 评价器: the citizen's screen when things go otherwise - refusals, sleep, a broker that dies, a page that is taken back.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { story } from "../support/story.mjs";

story("what the citizen does not agree to is brought on paper", "refusals", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.open(stage, hall);
  await desk.signIn();
  await desk.sitAt("W01");
  await desk.openCase("失业登记");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await hall.lift("W01");
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

  await desk.openCase("失业登记");
  await desk.identify("W01", "xu-hao");
  await desk.stepSays("免证清单");
  await hall.lift("W01");
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
  const desk = await Desk.open(stage, hall);
  await desk.signIn();
  await desk.sitAt("W01");
  await desk.openCase("失业登记");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await hall.lift("W01");

  await desk.press("F6");
  await citizen.asked();
  await desk.stepSays("办事人正在看授权页");
  await desk.press("Esc");
  await citizen.idle();
  await desk.stepSays("已取消");

  await desk.press("F6");
  await citizen.asked();
  await hall.broker();
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");

  // The tablet is switched off, and the desk says so; on again, it serves the next one.
  const address = citizen.page.url();
  await citizen.page.goto("about:blank");
  await desk.openCase("失业登记");
  await desk.identify("W01", "xu-hao");
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-step, #case-side").filter({ hasText: "离线" }).first().waitFor();
  await stage.shot(desk.page, "evaluator-off");
  await citizen.page.goto(address);
  await citizen.idle();
  await desk.page.locator('#page [data-key="F6"]:not([disabled])').waitFor();
  await desk.press("F6");
  await citizen.asked();
  await citizen.agree();
  await citizen.told("授权成功");
});
