// 法人: an organisation is served through its legal representative's card, and through nobody else's.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

story("a company is served through its legal representative and nobody else", "organisation", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  const people = await hall.cast();
  const owner = people.find(({ represents, licences }) => represents.length === 1 && licences.some(({ name, of }) => of && name === "烟草专卖零售许可证"));
  assert.ok(owner, "somebody of the cast sells tobacco");
  const [{ uscc, name }] = owner.represents;

  await desk.openCase("烟草专卖零售许可证延续", "法人");
  const code = desk.page.getByLabel("统一社会信用代码");
  await code.fill(uscc.slice(0, -1));
  await desk.page.getByRole("button", { name: "查找单位" }).click();
  await desk.page.locator("#uscc-error").waitFor();
  await stage.shot(desk.page, "wrong-code");
  await code.fill(uscc.toLowerCase());
  await desk.page.getByRole("button", { name: "查找单位" }).click();
  await desk.stepSays(name);

  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.place("W01", "wang-fang");
  await desk.stepSays("不是法定代表人");
  await stage.shot(desk.page, "not-the-representative");
  await hall.lift("W01");

  await desk.identify("W01", owner.slug);
  await desk.stepSays("免证清单");
  await stage.shot(desk.page, "list");
  await desk.press("F6");
  await citizen.asked();
  await stage.shot(citizen.page, "evaluator-authorise");
  assert.match(await citizen.page.innerText(".about"), new RegExp(name));
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
  await stage.shot(desk.page, "form");
  await desk.completeForm();
  const no = await desk.submit();
  await stage.shot(desk.page, "done");
  const known = await until("the case at the centre", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome));
  assert.equal(known.outcome, "ratified");
});
