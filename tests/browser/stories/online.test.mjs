// 在线: the main job with the line up, for a person, from the door to the rating.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

story("a citizen with a card and no paper is served from the door to the rating", "online", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  await stage.shot(citizen.page, "evaluator-idle");
  await stage.accessible(citizen.page, "the idle evaluator");

  const desk = await Desk.open(stage, hall);
  await desk.page.goto(`${hall.at.box.url}/`);
  await stage.shot(desk.page, "sign-in");
  await stage.accessible(desk.page, "the sign-in page");
  await desk.signIn();
  await desk.sitAt("W01");
  await stage.shot(desk.page, "desk");

  await desk.openCase("失业登记");
  await stage.shot(desk.page, "identify");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await desk.stepSays("社会保障卡");
  await stage.shot(desk.page, "list");
  await stage.accessible(desk.page, "the list");

  await desk.press("F6");
  await citizen.asked();
  await stage.shot(citizen.page, "evaluator-authorise");
  await stage.accessible(citizen.page, "the authorisation page");
  await desk.stepSays("办事人正在看授权页");
  await stage.shot(desk.page, "asked");
  await citizen.agree();
  await citizen.told("授权成功");
  await stage.shot(citizen.page, "evaluator-authorised");

  await desk.stepSays("项已由证照填好");
  assert.equal(await desk.page.getByLabel("姓名").first().inputValue(), "王芳");
  await stage.shot(desk.page, "form");
  await desk.completeForm();
  await stage.shot(desk.page, "form-complete");
  await submitsWhileItKeeps(desk);
  await stage.shot(desk.page, "check");
  await stage.accessible(desk.page, "the check before submission");
  const no = await desk.caseNo();
  await desk.press("F8");
  await desk.stepSays("接下来");
  await stage.shot(desk.page, "done");

  const receipt = await desk.page.context().newPage();
  await receipt.goto(`${hall.at.box.url}/cases/${desk.caseId()}/receipt?size=a4`);
  assert.match(await receipt.innerText("body"), new RegExp(no));
  await stage.shot(receipt, "receipt");
  await receipt.close();

  await desk.press("F6");
  await citizen.rate("非常满意");
  await citizen.told(/(谢谢|感谢)您的评价/);
  await stage.shot(citizen.page, "evaluator-rated");
  await desk.stepSays("非常满意");

  const known = await until("the case at the centre", async () => {
    const { cases } = await hall.summary();
    return cases.find((one) => one.no === no && one.outcome);
  });
  assert.equal(known.outcome, "ratified");

  await desk.page.goto(`${hall.at.box.url}/cases/${desk.caseId()}?step=record`);
  await stage.shot(desk.page, "record");
  const [copy] = await Promise.all([
    desk.page.context().waitForEvent("page"),
    desk.page.getByRole("button", { name: "查看、打印" }).first().click(),
  ]);
  await copy.waitForLoadState();
  const said = await copy.innerText("main");
  assert.match(said, /证照使用件[\s\S]*居民身份证[\s\S]*公民身份号码\s+519900198805160241/);
  assert.ok(await copy.locator(".watermark text").filter({ hasText: no }).count(), "the copy says what it is for");
  await stage.shot(copy, "licence");
});

/** What is still being kept when the form is sent makes no conflict with it. */
async function submitsWhileItKeeps(desk) {
  const keeps = (request) => /do=save/.test(request.postData() ?? "");
  let conflicts = 0;
  desk.page.on("response", (answer) => (conflicts += answer.status() === 422 ? 1 : 0));
  await desk.page.route("**/form", async (route) => {
    if (keeps(route.request())) {
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    await route.continue();
  });
  const keeping = desk.page.waitForRequest(keeps);
  await desk.field("联系电话", "18000000002");
  await keeping;
  await desk.page.getByRole("button", { name: "检查并提交" }).click();
  await desk.stepSays("提交前检查");
  await desk.page.unroute("**/form");
  assert.equal(conflicts, 0);
}
