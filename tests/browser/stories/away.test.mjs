// 走开: the citizen leaves without an answer. Two minutes, as in a hall; no clock is turned for it.

import assert from "node:assert/strict";
import { Citizen } from "../support/citizen.mjs";
import { Desk } from "../support/desk.mjs";
import { story } from "../support/story.mjs";

const LIMIT_MS = 120_000;

story("a citizen who walks away leaves nothing on the glass, and may come back", "away", async ({ hall, stage }) => {
  const citizen = await Citizen.at(stage, hall, "W01");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toList();
  await desk.press("F6");
  await citizen.asked();
  const asked = Date.now();
  assert.match(await citizen.page.innerText("body"), /剩余时间 (2:00|1:5\d)/);
  await desk.stepSays(/(2:00|1:5\d)/);
  // It counts: both glasses tell less than they began with.
  await desk.stepSays(/1:5[0-8]/);
  await citizen.page.getByText(/剩余时间 1:5[0-8]/).waitFor();
  await stage.shot(desk.page, "counting");

  await citizen.page.locator(".page.authorize").waitFor({ state: "detached", timeout: LIMIT_MS + 15_000 });
  const stood = Date.now() - asked;
  assert.ok(stood > LIMIT_MS - 5_000, `the page went after ${stood} ms`);
  await desk.stepSays("超时，授权页已收回");
  await stage.shot(desk.page, "timed-out");
  await citizen.idle();
  assert.doesNotMatch(await citizen.page.innerText("body"), /王|失业登记|社会保障卡/, "nothing of anyone stays");

  await desk.press("F6");
  await citizen.asked();
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
});
