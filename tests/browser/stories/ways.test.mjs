// 核验方式: every way to prove who one is and to agree, with the line up and down.

import assert from "node:assert/strict";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

/** The centre's word on a case, once it has one. */
const judged = (hall, no) =>
  until("the centre's judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome)?.outcome, 40_000);

story("a service code is scanned, with the line up and down", "code", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await phone.showCode("zw");
  await desk.openCase("失业登记");
  const first = await phone.qrText();
  await window.scan(first);
  await desk.stepSays("免证清单");
  await window.shots("scanned", phone);
  await window.agreeOnGlass();
  const online = await window.finish();

  // The same code once more, at any window of the hall.
  await desk.openCase("失业登记");
  await window.scan(first);
  await desk.page.getByText("这个办事码刚才已在本厅用过").waitFor();
  await stage.shot(desk.page, "used");

  await window.line("cut");
  await phone.button("立即更换").tap();
  const second = await until("another code", async () => {
    const text = await phone.qrText();
    return text !== first && text;
  });
  await window.scan(second);
  await desk.stepSays("免证清单");
  await window.shots("scanned-offline", phone);
  await window.agreeOnGlass();
  await desk.page.locator("#case-side").filter({ hasText: "联网复核后生效" }).waitFor();
  const offline = await window.finish();
  await window.line("up");
  assert.deepEqual([await judged(hall, online), await judged(hall, offline)], ["ratified", "ratified"]);
});

story("a phone answers the code on the evaluator, without any network", "challenge", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await phone.showCode("zw");
  await window.line("cut");
  await phone.network(false);
  await desk.openCase("失业登记");
  await desk.press("F9");
  await desk.stepSays("二维码在评价器上");
  await phone.scanFrom(await window.glass());
  const answer = await phone.answer();
  await window.shots("asked", phone);
  await window.scan(answer);
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-side").filter({ hasText: "已应答本次二维码" }).waitFor();
  await window.agreeOnGlass();
  const no = await window.finish();
  await stage.shot(desk.page, "done");

  // An answer belongs to one case alone.
  await desk.openCase("失业登记");
  await window.scan(answer);
  await desk.page.getByText("这个应答不属于本办件").waitFor();
  await stage.shot(desk.page, "other-case");
  await window.line("up");
  assert.equal(await judged(hall, no), "ratified");
});

story("a face is checked on the phone: the line brings the answer, or the phone carries it", "face", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await desk.openCase("失业登记");
  await desk.press("F4");
  await phone.scanFrom(await window.glass());
  await window.shots("asked", phone);
  await phone.agree();
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-side").filter({ hasText: "刷脸通过" }).waitFor();
  await window.shots("came-by-line", phone);
  await window.agreeOnGlass();
  const online = await window.finish();

  await window.line("cut");
  await desk.openCase("失业登记");
  await desk.press("F4");
  await phone.scanFrom(await window.glass());
  const answer = await phone.agree();
  await window.shots("carried", phone);
  await window.scan(answer);
  await desk.stepSays("免证清单");
  await window.agreeOnGlass();
  const offline = await window.finish();
  await window.line("up");
  assert.deepEqual([await judged(hall, online), await judged(hall, offline)], ["ratified", "ratified"]);
  // What the evaluator told the citizen on the way has ended by now, and none of it looks like an attack.
  await window.citizen.idle();
  const admin = await Desk.open(stage, hall, "admin");
  await admin.signIn(hall.account("hall-admin"));
  await admin.page.goto(`${hall.at.box.url}/security`);
  await admin.page.getByText("没有安全事件").waitFor();
});

story("consent is given on the phone, with a single refusal: over the line, and carried", "phone-consent", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await desk.toList();
  await desk.press("F9");
  await desk.stepSays("等待办事人在手机上授权");
  await phone.scanFrom(await window.glass());
  await window.shots("asked", phone);
  await phone.agree({ without: ["社会保障卡"] });
  await desk.stepSays("项已由证照填好");
  await desk.page.locator("#case-side").filter({ hasText: "手机授权" }).waitFor();
  await window.shots("agreed", phone);
  await desk.attach("社会保障卡", { name: "card.png", mimeType: "image/png", buffer: await desk.page.screenshot() });
  const online = await window.finish();

  await window.line("cut");
  await desk.toList();
  await desk.press("F9");
  await phone.scanFrom(await window.glass());
  await window.scan(await phone.agree());
  await desk.stepSays("项已由证照填好");
  await window.shots("carried", phone);
  const offline = await window.finish();
  await window.line("up");
  assert.deepEqual([await judged(hall, online), await judged(hall, offline)], ["ratified", "ratified"]);
});

story("what was agreed to is taken back at the window", "withdrawal", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  await desk.toList();
  await window.agreeOnGlass();
  await desk.again("consent");
  await desk.page.locator("summary").filter({ hasText: "办事人撤回授权" }).click();
  await desk.page.getByText("撤回即时生效，不能恢复").waitFor();
  await desk.page.getByRole("button", { name: "确认撤回授权" }).click();
  await desk.stepSays("办事人已撤回授权");
  await stage.shot(desk.page, "withdrawn");
  await desk.again("form");
  const number = desk.page.locator("#sheet .field").filter({ hasText: "社会保障卡卡号" });
  assert.equal(await number.locator("input").inputValue(), "", "what a licence said has left the form");
});

story("a plain code counts only while the centre resolves it", "plain-code", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await phone.open("plain/own");
  const plain = await phone.qrText();
  assert.doesNotMatch(plain, /^HB1:/);
  await desk.openCase("失业登记");
  await window.scan(plain);
  await desk.stepSays("免证清单");
  await window.shots("resolved", phone);
  await window.line("cut");
  await desk.openCase("失业登记");
  await window.scan(plain);
  await desk.page.getByText("普通政务码无法核验").waitFor();
  await stage.shot(desk.page, "offline");
});

story("a screenshot, a wrong clock and garbage are refused with a reason, and cost nothing", "refused-codes", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await phone.showCode("zw");
  await window.line("cut");
  await desk.openCase("失业登记");
  const refused = async (text, says, name) => {
    await window.scan(text);
    await desk.page.getByText(says).first().waitFor();
    await stage.shot(desk.page, name);
    await desk.again();
  };
  // A picture of a screen ages like the code in it.
  await phone.skew(-2);
  await phone.showCode("zw");
  await refused(await phone.qrText(), "办事码已过期", "two-minutes-old");
  await phone.skew(2);
  await phone.showCode("zw");
  await refused(await phone.qrText(), "办事码已过期", "two-minutes-ahead");
  await phone.skew(0);
  await phone.showCode("zw");
  const good = await phone.qrText();
  const changed = good.slice(0, 60) + (good[60] === "A" ? "B" : "A") + good.slice(61);
  await refused(changed, /这不是可识别的办事码|这个码不是本省中心签发的/, "one-letter-changed");
  await refused(good.slice(0, good.length / 2), "这不是可识别的办事码", "half");
  await refused(`HB1:${"A".repeat(3_000)}`, "这不是可识别的办事码", "three-thousand-letters");
  // After all that the good one still counts.
  await window.scan(good);
  await desk.stepSays("免证清单");
});
