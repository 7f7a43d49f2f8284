// 曾用证件号: a household register that was issued under a number of 15 digits. Nobody merges it; the clerk looks at
// the person and says so, the citizen reads it on the glass, and the centre has the last word.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

const ITEM = "城乡居民基本养老保险参保登记";
const [EARLIER, SHOWN] = ["519900900307001", "519********7001"];

/** What an operator of the centre asks. */
async function operator(hall, path, body) {
  const token = (await readFile(hall.at.centre.token_file, "utf8")).trim();
  const text = JSON.stringify(body);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const sent = request(`${hall.at.centre.admin}${path}`, { method: "POST", headers }, (answer) => {
      let got = "";
      answer.setEncoding("utf8").on("data", (part) => (got += part));
      answer.on("end", () => (answer.statusCode === 200 ? resolve(JSON.parse(got)) : reject(new Error(got))));
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

/** From an empty desk to the list of 刘洋, whose household register lies under an earlier number. */
async function toCandidate(window) {
  const { desk } = window;
  await desk.toList({ item: ITEM, card: "liu-yang" });
  await desk.stepSays("曾用证件号下的证照");
  await desk.stepSays("核对是否为同一人");
  const step = await desk.page.locator("#case-step").innerText();
  assert.ok(step.includes(SHOWN) && !step.includes(EARLIER), "the earlier number is masked");
  assert.match(step, /推送授权页（2 项）/, "a candidate is not counted");
  const row = desk.page.locator(".materials").first().locator("tr").filter({ hasText: "居民户口簿" });
  await row.filter({ hasText: "需原件" }).waitFor();
}

async function confirm({ desk }) {
  await desk.page.getByRole("button", { name: "已核对，是同一人" }).click();
  await desk.stepSays("推送授权页（3 项）");
}

/** The citizen reads under which number the licence was issued, and agrees. */
async function agreeKnowing(window, shot) {
  const { desk, citizen, stage } = window;
  await desk.press("F6");
  await citizen.asked();
  const note = citizen.page.locator(".licences .note");
  await note.waitFor();
  const text = await note.innerText();
  assert.ok(text.includes(SHOWN) && text.includes("15 位旧身份证号码"), text);
  assert.equal(await note.count(), 1, "only the licence under the earlier number says so");
  await stage.shot(citizen.page, `${shot}-evaluator`);
  await stage.accessible(citizen.page, "an authorisation page with an earlier number");
  await citizen.agree();
  await citizen.told("授权成功");
  await desk.stepSays("项已由证照填好");
}

const judged = (hall, no) => until("the judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome), 60_000);

story("a licence under an earlier number: a candidate with the line up, confirmed, taken back, confirmed again, agreed to and ratified", "aliases", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  await desk.page.locator("#line").filter({ hasText: "在线" }).waitFor();
  await toCandidate(window);
  await desk.stepSays("省级中心");
  await stage.shot(desk.page, "candidate");
  await stage.accessible(desk.page, "a list with a candidate");

  await confirm(window);
  await desk.stepSays("已核对为同一人");
  await stage.shot(desk.page, "confirmed");
  await desk.page.getByRole("button", { name: "撤销核对" }).click();
  await desk.stepSays("推送授权页（2 项）");
  await confirm(window);

  await agreeKnowing(window, "online");
  await stage.shot(desk.page, "form");
  const no = await window.finish();
  assert.equal((await judged(hall, no)).outcome, "ratified");
});

story("with the line cut the hall offers the same from what it was told, and a number that the centre takes back meanwhile comes back as a finding", "aliases-offline", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  await desk.page.locator("#line").filter({ hasText: "在线" }).waitFor();
  await window.line("cut");
  await toCandidate(window);
  await desk.stepSays("本机缓存");
  await stage.shot(desk.page, "candidate");
  await confirm(window);
  await agreeKnowing(window, "offline");
  const no = await window.finish();

  // While the hall cannot hear of it, the authority says that the number is not his after all.
  const fact = { holder: "111:519900199003070011", other: `111:${EARLIER}`, kind: "fifteen_digits", since: "2001-06-01", source: "安澜市公安局户籍核查" };
  const { id, change } = await operator(hall, "/aliases", fact);
  assert.equal(change, "same", "the centre has it from the cast");
  assert.deepEqual(await operator(hall, `/aliases/${id}/withdraw`, {}), { withdrawn: true });
  await window.line("up");
  assert.equal((await judged(hall, no)).outcome, "returned-holder");
  await desk.page.goto(`${hall.at.box.url}/findings`);
  const finding = desk.page.locator(".finding").filter({ hasText: no });
  await finding.waitFor();
  const text = await finding.innerText();
  assert.match(text, /居民户口簿/);
  assert.match(text, /曾用证件号/);
  assert.match(text, /怎么办/);
  await stage.shot(desk.page, "finding");
  await stage.accessible(desk.page, "待处理");

  // The next one is offered nothing.
  await desk.openCase(ITEM);
  await desk.identify("W01", "liu-yang");
  await desk.stepSays("免证清单");
  assert.ok(!(await desk.page.locator("#case-step").innerText()).includes("曾用证件号"));
});
