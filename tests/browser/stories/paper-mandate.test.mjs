// 纸质委托书: somebody acts for another by paper alone. Good for taking in, and for nothing above.

import assert from "node:assert/strict";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

const judged = (hall, no) =>
  until("the centre's judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome)?.outcome, 40_000);

/** Types the principal off the paper. */
async function state(desk, { name, number }) {
  await desk.page.getByText("委托代办：纸质委托书").click();
  await desk.page.getByLabel("委托人姓名").fill(name);
  await desk.page.getByLabel("证件号码").fill(number);
  await desk.page.getByRole("button", { name: "按纸质委托书办理" }).click();
}

/** From an empty desk to a complete form with the paper attached: 王芳 with her own card, for 徐浩. */
async function fill(window, hall, item) {
  const { desk } = window;
  const principal = (await hall.cast()).find(({ slug }) => slug === "xu-hao");
  await desk.openCase(item);
  await state(desk, principal);
  await desk.stepSays("按纸质委托书办理：委托人 徐*");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await hall.lift("W01");
  return principal;
}

async function complete(desk) {
  await desk.press("F7");
  await desk.page.locator("#sheet").waitFor();
  const names = await desk.page.locator(".upload b").allInnerTexts();
  const place = (name) => desk.page.locator(".upload").filter({ has: desk.page.locator("b", { hasText: new RegExp(`^${name}$`) }) });
  for (const name of names.filter((one) => one !== "委托书")) {
    await place(name).getByRole("button", { name: "已收原件" }).click();
    await place(name).locator("[aria-pressed=true]").waitFor();
  }
  assert.equal(await place("委托书").getByRole("button", { name: "已收原件" }).count(), 0, "nothing but a scan will do");
  await place("委托书").locator("input[type=file]").setInputFiles({ name: "mandate.png", mimeType: "image/png", buffer: await desk.page.screenshot() });
  await place("委托书").filter({ hasText: "1 个文件" }).waitFor();
  await desk.completeForm();
}

story("an appointment is taken in on a mandate on paper, with the line up and down, and nothing of the principal's is opened", "paper-mandate", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const principal = (await hall.cast()).find(({ slug }) => slug === "xu-hao");
  await desk.openCase("婚姻登记预约");
  await state(desk, { name: principal.name, number: principal.number.slice(0, -1) + (principal.number.endsWith("1") ? "2" : "1") });
  await desk.page.locator("#mandate-error").waitFor();
  await stage.shot(desk.page, "wrong-number");
  await stage.accessible(desk.page, "a paper mandate with a wrong number");

  const serve = async (name) => {
    await fill(window, hall, "婚姻登记预约");
    // The hall holds the principal's licences; on paper alone they stay closed.
    await desk.stepSays("凭纸质委托书不查、不用委托人的证照");
    assert.equal(await desk.page.locator(".materials summary").count(), 0, "no licence is listed");
    await desk.page.locator("#case-side").filter({ hasText: "代 徐* 办理" }).or(desk.page.locator("#case-side").filter({ hasText: "徐*" })).first().waitFor();
    await stage.shot(desk.page, `${name}-list`);
    await complete(desk);
    const names = await desk.page.locator("#sheet input").evaluateAll((inputs) => inputs.map((input) => input.value));
    assert.ok(names.includes(principal.name), "the form is the principal's");
    assert.ok(!names.includes("王芳"), "and says nothing of the delegate");
    await stage.shot(desk.page, `${name}-form`);
    const no = await desk.submit();
    await stage.shot(desk.page, `${name}-done`);
    await desk.page.goto(`${desk.address}/receipt`);
    const receipt = await desk.page.locator("main").innerText();
    assert.match(receipt, /委托人[\s\S]*徐\*[\s\S]*代办人[\s\S]*王\*/);
    assert.match(receipt, /本次没有使用电子证照/);
    await stage.shot(desk.page, `${name}-receipt`);
    await desk.again();
    return no;
  };
  const online = await serve("online");
  await window.line("cut");
  const offline = await serve("offline");
  await window.line("up");
  assert.deepEqual([await judged(hall, online), await judged(hall, offline)], ["ratified", "ratified"]);
});

story("above that the desk says why a mandate on paper does not carry the item, and what would", "paper-mandate-refused", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  await window.line("cut");
  await fill(window, hall, "失业登记");
  await desk.page.locator("#case-side").filter({ hasText: "纸质委托书无法当场核验，不能凭它代办本事项" }).waitFor();
  await desk.page.locator("#case-side").filter({ hasText: "请委托人在手机上办理电子委托" }).waitFor();
  await stage.shot(desk.page, "list");
  await desk.again("identify");
  await desk.page.locator("#paper-mandate").filter({ hasText: "纸质委托书无法当场核验" }).waitFor();
  await stage.shot(desk.page, "identify");
  await desk.again("list");
  await complete(desk);
  await desk.page.getByRole("button", { name: "检查并提交" }).click();
  await desk.stepSays("提交前检查");
  await stage.shot(desk.page, "check");
  assert.equal(await desk.page.locator("#page [data-key=F8]:not([disabled])").count(), 0, "there is nothing to submit");
  assert.match(await desk.page.innerText("#case-step"), /纸质委托书无法当场核验，不能凭它代办本事项/);
});
