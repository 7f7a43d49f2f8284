// 出示证照: the hall holds nothing of somebody, the line is down, and the phone in the hand has a network of its own.

import assert from "node:assert/strict";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

const ITEM = "城乡居民基本养老保险参保登记";

const judged = (hall, no) =>
  until("the centre's judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome)?.outcome, 40_000);

/** A hall that holds only what it is granted, which is nothing, with its line cut. */
async function emptyHall(stage, hall) {
  const window = await Window.open(stage, hall);
  await hall.grantedOnly();
  return window;
}

story("a phone shows the licences that the hall does not hold, in several codes, with the line down", "shown", async ({ hall, stage }) => {
  const window = await emptyHall(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await window.line("cut");
  await desk.openCase(ITEM);
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("本厅没有缓存");
  await hall.lift("W01");
  await stage.shot(desk.page, "list-without");
  await stage.accessible(desk.page, "a list of which the hall holds nothing");

  await desk.press("F2");
  await desk.stepSays("等待办事人用手机出示证照");
  await phone.scanFrom(await window.glass());
  await phone.says("出示哪些证照");
  await window.shots("asked", phone);
  const codes = await phone.showAll();
  assert.ok(codes.length > 1, "three licences do not go through one code");
  await window.shots("answer", phone);

  // The last one first; one of them twice.
  const [first, ...rest] = codes;
  for (const code of [...rest.reverse(), rest[0]]) {
    await window.scan(code);
    await desk.page.locator("#scan-got").filter({ hasText: `共 ${codes.length} 张` }).waitFor();
  }
  await stage.shot(desk.page, "half");
  await window.scan(first);
  await desk.page.locator(".materials tr").filter({ hasText: "手机出示" }).nth(2).waitFor();
  await desk.page.locator(".materials summary").first().click();
  await stage.shot(desk.page, "list-with");
  assert.match(await desk.page.locator(".materials").innerText(), /手机出示 · L4[\s\S]*经办事人手机出示/);

  await window.agreeOnGlass();
  await stage.shot(desk.page, "filled");
  await desk.page.locator("#case-side").filter({ hasText: "联网复核后生效" }).waitFor();
  const no = await window.finish();
  await stage.shot(desk.page, "done");

  // What was shown for one case is in no other.
  await desk.openCase(ITEM);
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("本厅没有缓存");
  await window.scan(first);
  await desk.page.getByText("这个应答不属于本办件").waitFor();
  await stage.shot(desk.page, "other-case");
  await window.line("up");
  assert.equal(await judged(hall, no), "ratified");
});

story("a phone that shows another person's licences, or nothing, changes nothing", "shown-refused", async ({ hall, stage }) => {
  const window = await emptyHall(stage, hall);
  const { desk } = window;
  const other = await window.phone("zhang-wei");
  await window.line("cut");
  await desk.openCase(ITEM);
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("本厅没有缓存");
  await hall.lift("W01");
  await desk.press("F2");
  await other.scanFrom(await window.glass());
  for (const code of await other.showAll()) {
    await window.scan(code);
  }
  await desk.page.getByText("手机出示的是另一个人的证照").first().waitFor();
  await stage.shot(desk.page, "another-person");
  await desk.again("list");
  await desk.press("Esc");
  await desk.stepSays("本厅没有缓存");
  await desk.press("F2");
  await desk.stepSays("等待办事人用手机出示证照");
  await desk.press("Esc");
  await desk.page.locator("#page [data-key=F7]").waitFor();
  await desk.press("F7");
  await desk.stepSays("检查并提交");
});
