// 断网: the whole job with the line cut, and what comes of it when the line is back.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

story("a day offline: served from what the hall knows, judged when the line is back", "offline", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.page.locator("#line").filter({ hasText: "在线" }).waitFor();
  await hall.line("cut");
  await desk.page.locator("#line").filter({ hasText: "离线" }).waitFor();
  await stage.shot(desk.page, "line-cut");

  await desk.openCase("失业登记");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await desk.stepSays("本机缓存");
  await desk.page.locator("#case-head").filter({ hasText: "离线办理" }).waitFor();
  await stage.shot(desk.page, "list");
  await desk.press("F6");
  await citizen.asked();
  await citizen.page.locator(".known-old").waitFor();
  await stage.shot(citizen.page, "evaluator-authorise");
  await stage.accessible(citizen.page, "the authorisation page offline");
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
  await desk.completeForm();
  await desk.page.getByRole("button", { name: "检查并提交" }).click();
  await desk.stepSays("提交后：登记，联网复核后生效");
  await stage.shot(desk.page, "check");
  const no = await desk.caseNo();
  await desk.press("F8");
  await desk.stepSays("接下来");
  await stage.shot(desk.page, "done");
  await desk.page.goto(`${hall.at.box.url}/sync`);
  await desk.page.locator("#sync-state").filter({ hasText: "涉及 1 个办件" }).waitFor();
  await stage.shot(desk.page, "sync-cut");
  await stage.accessible(desk.page, "同步");
  assert.equal((await hall.summary()).cases.length, 0, "nothing got through a cut line");

  // While the hall cannot hear of it, the card that was used is revoked.
  const [wang] = (await hall.cast()).filter(({ slug }) => slug === "wang-fang");
  const used = wang.licences.find(({ name }) => name === "社会保障卡");
  await hall.licence(used.id, "revoked");
  await hall.line("up");
  const known = await until("the judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome), 40_000);
  assert.equal(known.outcome, "passed-revoked-later");
  await desk.page.locator("#sync-state").filter({ hasText: "全部已送达" }).waitFor();
  await stage.shot(desk.page, "sync-back");

  await desk.page.goto(`${hall.at.box.url}/findings`);
  const finding = desk.page.locator(".finding").filter({ hasText: no });
  await finding.waitFor();
  assert.match(await finding.innerText(), /怎么办/);
  await stage.shot(desk.page, "finding");
  await stage.accessible(desk.page, "待处理");
  await finding.getByRole("button", { name: "我来处理" }).click();
  await finding.getByPlaceholder("做了什么").fill("已电话告知办事人");
  await finding.getByRole("button", { name: "处理完毕" }).click();
  await desk.page.locator("#finding-list").filter({ hasText: "没有未处理的事" }).waitFor();

  // The next one hears of it at once.
  await hall.lift("W01");
  await desk.openCase("失业登记");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await desk.page.locator(".materials tr").filter({ hasText: "社会保障卡" }).filter({ hasText: "已注销" }).waitFor();
  await stage.shot(desk.page, "list-revoked");
});

story("a licence revoked before it was used, while the hall could not hear of it, comes back as a finding", "returned-revoked", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await hall.line("cut");
  await desk.page.locator("#line").filter({ hasText: "离线" }).waitFor();
  const [wang] = (await hall.cast()).filter(({ slug }) => slug === "wang-fang");
  await hall.licence(wang.licences.find(({ name }) => name === "社会保障卡").id, "revoked");
  await desk.toForm(citizen);
  await hall.lift("W01");
  await desk.completeForm();
  const no = await desk.submit();

  await hall.line("up");
  const known = await until("the judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome), 40_000);
  assert.equal(known.outcome, "returned-revoked");
  await desk.page.goto(`${hall.at.box.url}/findings`);
  const finding = desk.page.locator(".finding").filter({ hasText: no });
  await finding.waitFor();
  const text = await finding.innerText();
  assert.match(text, /社会保障卡/);
  assert.match(text, /怎么办/);
  await stage.shot(desk.page, "finding");
  await desk.again();
  await desk.page.locator("body").filter({ hasText: "退回" }).waitFor();
  await stage.shot(desk.page, "case");
});
