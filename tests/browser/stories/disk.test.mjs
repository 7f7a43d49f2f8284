// 磁盘满: what cannot be recorded is not called recorded, nothing is half written, and with room again it goes on.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { noOwnDisk, until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

story("a full disk is told plainly, and costs nothing that was recorded", "disk", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toForm(citizen);
  await desk.completeForm();
  await desk.page.getByRole("button", { name: "检查并提交" }).click();
  await desk.stepSays("提交前检查");
  const no = await desk.caseNo();

  await hall.fillDisk();
  await desk.press("F8");
  await desk.page.getByText("磁盘已满").first().waitFor();
  await stage.shot(desk.page, "full");
  assert.ok(!(await desk.page.innerText("body")).includes("接下来"), "nothing is called recorded");

  await hall.freeDisk();
  await desk.again("submit");
  await desk.stepSays("提交前检查");
  await desk.press("F8");
  await desk.stepSays("接下来");
  await stage.shot(desk.page, "room-again");
  await hall.box("kill");
  await desk.again();
  await desk.stepSays("接下来");
  const known = await until("the case at the centre", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome));
  assert.equal(known.outcome, "ratified");
}, { diskMb: 64, skip: noOwnDisk() });
