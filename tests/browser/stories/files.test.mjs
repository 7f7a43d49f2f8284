// 附件: what may be attached, and what is told about the rest.

import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { exe, paper, pdf, scan } from "../support/scans.mjs";
import { story } from "../support/story.mjs";

story("scans are taken, and what is no scan is refused with a reason", "files", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.open(stage, hall);
  await desk.signIn();
  await desk.sitAt("W01");
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
