// 窗口: two clerks on one case, a wrong password, a centre that does not answer.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

story("two browsers on one case: one works, the other looks on", "two-desks", async ({ hall, stage }) => {
  const first = await Desk.at(stage, hall, "W01", "first");
  await first.openCase("失业登记");
  const second = await Desk.open(stage, hall, "second");
  await second.page.goto(`${hall.at.box.url}/`);
  const other = hall.at.accounts.filter(({ role }) => role === "clerk")[1];
  await second.page.getByLabel("账号").fill(other.account);
  await second.page.getByLabel("密码").fill("不对");
  await second.page.getByRole("button", { name: "登录" }).click();
  await second.page.getByText("账号或密码不对").waitFor();
  await stage.shot(second.page, "wrong-password");
  await second.signIn(other);
  await second.sitAt("W02");
  await second.page.goto(first.page.url());
  await second.page.locator("#held").waitFor();
  await stage.shot(second.page, "held");
  await first.press("F2");
  await first.stepSays("等待放卡");
  await hall.place("W01", "wang-fang");
  await first.stepSays("请看人、看证");
  await second.page.locator("#case-step").filter({ hasText: "请看人、看证" }).waitFor();
}, { windows: 2 });

story("who types as soon as the cursor is there loses no letter", "quick-typing", async ({ hall, stage }) => {
  const desk = await Desk.at(stage, hall, "W01");
  const { page } = desk;
  await page.goto(`${hall.at.box.url}/cases`);
  // The first letter comes right after the cursor, before the page has settled.
  await page.evaluate(() => {
    const typed = ({ target }) => {
      if (target.closest("[data-search]")) {
        document.removeEventListener("focusin", typed);
        setTimeout(() => document.execCommand("insertText", false, "z"));
      }
    };
    document.addEventListener("focusin", typed);
  });
  await page.keyboard.press("F9");
  const search = page.locator("[data-search] input:focus");
  await search.waitFor();
  await page.waitForFunction(() => document.querySelector("[data-search] input").value === "z" && document.querySelector("#page:not(.htmx-settling, .htmx-added)"));
  await page.keyboard.type("hck", { delay: 60 });
  assert.equal(await search.inputValue(), "zhck");
});

story("a centre that hangs keeps nobody waiting: the list comes from the cache", "slow-centre", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await hall.line("stalled");
  await desk.openCase("失业登记");
  await desk.identify("W01", "wang-fang");
  await desk.page.locator(".materials").filter({ hasText: "本机缓存" }).waitFor();
  await stage.shot(desk.page, "list-from-cache");
  await desk.press("F6");
  await citizen.asked();
  await citizen.agree();
  await citizen.told("授权成功");
  await hall.line("up");
});

story("over a slow line a case is served and arrives", "slow-line", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await hall.line("slow");
  await desk.openCase("失业登记");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await hall.lift("W01");
  await stage.shot(desk.page, "list");
  await desk.press("F6");
  await citizen.asked();
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
  await desk.completeForm();
  const no = await desk.submit();
  assert.equal((await hall.state()).line, "slow", "all this went over a slow line");
  const known = await until("the case at the centre", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome), 40_000);
  assert.equal(known.outcome, "ratified");
});
