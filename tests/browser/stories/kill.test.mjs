// 断电: the box is killed between any two steps of a case. It goes on where it was; nothing is lost, nothing is twice.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { paper } from "../support/scans.mjs";
import { story } from "../support/story.mjs";

story("a box that is killed after every step of a case loses and repeats nothing", "kill", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");

  const blackout = async (says, step) => {
    await hall.box("kill");
    await desk.again(step);
    await desk.stepSays(says);
  };
  await desk.openCase("失业登记");
  await blackout("请办事人出示证件");
  // While the reader waits: what was pressed goes on, and the card is read.
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await blackout(/等待放卡|设备正在重连/);
  await hall.place("W01", "wang-fang");
  await desk.stepSays("请看人、看证");
  await blackout("请看人、看证");
  // In the very moment of 人证一致: it counts or it does not, and the list is made either way.
  await Promise.all([desk.press("Enter"), hall.box("kill")]);
  await desk.again();
  await desk.stepSays(/请看人、看证|免证清单/);
  if (await desk.page.getByText("请看人、看证").isVisible()) {
    await desk.press("Enter");
  }
  await desk.stepSays("免证清单");
  await hall.lift("W01");
  await blackout("免证清单");

  // Pushed, and killed while the citizen looks at the page: the page stays, and the answer counts.
  await desk.press("F6");
  await citizen.asked();
  await blackout("授权");
  await stage.shot(desk.page, "asked-after-blackout");
  await citizen.agree();
  await citizen.told("授权成功");
  const told = Date.now();
  await desk.stepSays("项已由证照填好");
  await blackout("项已由证照填好");
  // The citizen reads on, whatever became of the box meanwhile.
  await citizen.idle();
  assert.ok(Date.now() - told > 11_000, `授权成功 stood for ${Date.now() - told} ms only`);
  assert.equal(await desk.page.getByLabel("姓名").first().inputValue(), "王芳");

  await desk.completeForm();
  await desk.attach("解除劳动关系证明", paper());
  await desk.stepSays("1 个文件");
  await desk.page.getByRole("button", { name: "检查并提交" }).click();
  await desk.stepSays("提交前检查");
  await blackout("提交前检查", "submit");
  const no = await desk.caseNo();
  await desk.press("F8");
  await desk.stepSays("接下来");
  await blackout("接下来");
  await stage.shot(desk.page, "done-after-blackout");
  await citizen.idle();
  await desk.press("F6");
  await citizen.askedToRate();
  await hall.box("kill");
  await citizen.rate("满意");
  await desk.again();
  await desk.stepSays("满意");

  const centre = await until("the whole case at the centre", async () => {
    const { cases } = await hall.summary();
    return cases.some((one) => one.no === no && one.outcome) && cases;
  }, 40_000);
  assert.equal(centre.filter((one) => one.no === no).length, 1);
  assert.equal(centre.find((one) => one.no === no).outcome, "ratified");
});

story("a submission that a power cut answers is registered once or not at all", "kill-submit", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toForm(citizen);
  await desk.completeForm();
  await desk.page.getByRole("button", { name: "检查并提交" }).click();
  await desk.stepSays("提交前检查");
  const no = await desk.caseNo();
  // Sent, and killed before anybody has seen the answer.
  await Promise.all([desk.page.keyboard.press("F8"), hall.box("kill")]);
  await desk.again("submit");
  const registered = await until("either state", async () => {
    const text = await desk.page.innerText("#case-step");
    return text.includes("接下来") ? "yes" : text.includes("提交前检查") ? "no" : undefined;
  });
  if (registered === "no") {
    await desk.press("F8");
    await desk.stepSays("接下来");
  }
  const centre = await until("the case at the centre", async () => {
    const { cases } = await hall.summary();
    return cases.some((one) => one.no === no && one.outcome) && cases;
  }, 40_000);
  assert.equal(centre.length, 1);
});
