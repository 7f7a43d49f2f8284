// 控制台: a stranger runs the demonstration from its page alone.

import { Desk } from "../support/desk.mjs";
import { story } from "../support/story.mjs";

story("a stranger pairs, lays cards down and cuts the line on the control page", "control", async ({ hall, stage }) => {
  const page = await stage.page("control", { width: 1366, height: 900 });
  await page.goto(hall.at.control.url);
  const window = page.locator("#W01");
  await window.getByText("读卡器上没有证件").waitFor();
  await stage.shot(page, "control");
  await stage.accessible(page, "the control page");

  const tablet = await stage.page("evaluator", { width: 1280, height: 800 });
  await tablet.goto(await window.getByRole("link", { name: "打开评价器" }).getAttribute("href"));
  const code = tablet.locator(".pairing:not(.dim) .code");
  await code.waitFor();
  await window.getByLabel("评价器配对码").fill("000000");
  await window.getByRole("button", { name: "配对" }).click();
  await window.locator(".said.wrong").waitFor();
  await window.getByLabel("评价器配对码").fill((await code.innerText()).toLowerCase());
  await window.getByRole("button", { name: "配对" }).click();
  await window.locator(".said.right").waitFor();
  await tablet.locator(".page.idle").waitFor();

  await window.getByRole("combobox", { name: "选择证件" }).fill("三家公司");
  await window.getByRole("option").first().waitFor();
  await stage.shot(page, "choosing");
  await page.keyboard.press("Enter");
  await window.locator(".slot.card").filter({ hasText: "张伟" }).waitFor();
  await window.getByLabel("读卡器故障").selectOption("unreadable");
  await window.locator(".state").filter({ hasText: "读不出" }).waitFor();
  await window.getByRole("button", { name: "拿走证件" }).click();
  await window.getByText("读卡器上没有证件").waitFor();
  await window.getByRole("button", { name: "拔掉读卡器" }).click();
  await window.locator(".state").filter({ hasText: "已拔掉" }).waitFor();

  const desk = await Desk.open(stage, hall);
  await desk.signIn();
  await page.getByRole("button", { name: "切断" }).click();
  await page.locator("#line .state").filter({ hasText: "已切断" }).waitFor();
  await desk.page.locator("#line").filter({ hasText: "离线" }).waitFor();
  await page.locator("#line").getByRole("button", { name: "恢复" }).click();
  await desk.page.locator("#line").filter({ hasText: "在线" }).waitFor();
  await page.getByRole("button", { name: "断电重来" }).click();
  await page.locator("#box .state").filter({ hasText: "运行中" }).waitFor();
  await page.getByLabel("持证人").selectOption("wang-fang");
  await page.getByRole("button", { name: "注销社会保障卡" }).click();
  await page.getByRole("button", { name: "恢复社会保障卡" }).waitFor();
  await stage.shot(page, "control-later");
});
