// 附件: what may be attached, and what is told about the rest.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { exe, paper, pdf, scan } from "../support/scans.mjs";
import { story } from "../support/story.mjs";

story("scans are taken, and what is no scan is refused with a reason", "files", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toForm(citizen);
  const place = desk.page.locator(".upload").filter({ hasText: "解除劳动关系证明" });
  const refused = async (file, says, name) => {
    await desk.attach("解除劳动关系证明", file);
    await place.filter({ hasText: says }).waitFor();
    await stage.shot(desk.page, name);
  };
  await refused({ name: "大.pdf", mimeType: "application/pdf", buffer: pdf(21 << 20) }, "超过 20 MB", "too-large");
  await refused({ name: "空.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(0) }, "空文件", "empty");
  await refused({ name: "材料.pdf", mimeType: "application/pdf", buffer: exe() }, "不是", "program");
  await desk.attach("解除劳动关系证明", scan("第一页.png"), paper("第二页.pdf"));
  await place.filter({ hasText: "2 个文件" }).waitFor();
  await desk.attach("解除劳动关系证明", { name: "二十兆.pdf", mimeType: "application/pdf", buffer: pdf((20 << 20) - 64) });
  await place.filter({ hasText: "3 个文件" }).waitFor();
  await stage.shot(desk.page, "attached");
  await desk.completeForm();
  await desk.submit();
});

story("what was promised for later is brought, and the case passes", "following", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toForm(citizen);
  const place = desk.page.locator(".upload").filter({ hasText: "解除劳动关系证明" });
  await place.getByRole("button", { name: "容缺后补" }).click();
  await place.locator("[aria-pressed=true]").filter({ hasText: "容缺后补" }).waitFor();
  await desk.completeForm();
  const no = await desk.submit();
  await desk.stepSays("未补交");
  await stage.shot(desk.page, "submitted");
  const judged = (outcome) => until(outcome, async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome === outcome), 40_000);
  await judged("conditional");
  await desk.page.goto(`${hall.at.box.url}/cases?show=following`);
  await desk.page.locator("#page").filter({ hasText: no }).waitFor();
  await stage.shot(desk.page, "list");

  await desk.again("record");
  await stage.shot(desk.page, "record");
  await stage.accessible(desk.page, "a record with materials to follow");
  await desk.attach("解除劳动关系证明", { name: "空.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(0) });
  await place.filter({ hasText: "空文件" }).waitFor();
  await desk.attach("解除劳动关系证明", { name: "材料.pdf", mimeType: "application/pdf", buffer: exe() });
  await place.filter({ hasText: "只能上传图片" }).waitFor();
  await desk.attach("解除劳动关系证明", paper("解除证明.pdf"), scan("第二页.png"));
  await place.filter({ hasText: "已补交 2 个文件" }).waitFor();
  await stage.shot(desk.page, "supplied");
  await judged("ratified");
  await desk.again("record");
  await desk.page.locator("#page").filter({ hasText: "已全部补交" }).waitFor();
  await desk.page.locator("#page").filter({ hasText: "复核通过" }).waitFor();
  await stage.shot(desk.page, "passed");
  await desk.page.goto(`${hall.at.box.url}/cases?show=following`);
  await desk.page.locator("#page").waitFor();
  assert.ok(!(await desk.page.locator("#page").innerText()).includes(no), "nothing more is to follow");
  await desk.page.goto(`${hall.at.box.url}/findings`);
  await desk.page.locator("#finding-list").filter({ hasText: "没有未处理的事" }).waitFor();
});
