// 替别人办: who acts for a company or for another person, and what is looked up by office.

import assert from "node:assert/strict";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

const ITEM = "烟草专卖零售许可证延续";

const judged = (hall, no) =>
  until("the centre's judgement", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome)?.outcome, 40_000);

/** Somebody of the cast who represents a company that sells tobacco. */
async function owner(hall) {
  const people = await hall.cast();
  const found = people.find(({ represents, licences }) => represents.length === 1 && licences.some(({ name, of }) => of && name === "烟草专卖零售许可证"));
  return { ...found, company: found.represents[0] };
}

story("a company comes by its code, with its role: the line up and down", "enterprise-code", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const { slug, company } = await owner(hall);
  const phone = await window.phone(slug);
  await phone.showCode("ys", `org:${company.uscc}`);
  await desk.openCase("失业登记");
  await window.scan(await phone.qrText());
  await desk.page.getByText("扫到的是企业码").waitFor();
  await stage.shot(desk.page, "wrong-applicant");
  await window.line("cut");
  await desk.openCase(ITEM, "法人");
  await phone.button("立即更换").tap();
  await window.scan(await phone.qrText());
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-side").filter({ hasText: company.name }).waitFor();
  await window.shots("scanned", phone);
  await window.agreeOnGlass();
  const no = await window.finish();
  await window.line("up");
  assert.equal(await judged(hall, no), "ratified");
});

story("an agent acts for a company until the grant is taken back", "agent", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const { slug, company } = await owner(hall);
  const boss = await window.phone(slug);
  const agent = await window.phone("wang-fang");
  await boss.grant(company.uscc, "wang-fang");
  await until("the agent's phone to hear of it", async () => {
    await agent.open("home");
    return agent.page.getByRole("link", { name: /^粤商码/ }).isVisible();
  });
  await agent.showCode("qy", `org:${company.uscc}`);
  await desk.openCase(ITEM, "法人");
  await window.scan(await agent.qrText());
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-side").filter({ hasText: company.name }).waitFor();
  await window.shots("agent", agent);
  await window.agreeOnGlass();
  const no = await window.finish();
  assert.equal(await judged(hall, no), "ratified");

  // Taken back in the middle of the next case: the code that the phone still has counts no longer.
  await agent.button("立即更换").tap();
  const late = await agent.qrText();
  await boss.open(`agents/${company.uscc}`);
  await boss.page.getByRole("button", { name: /撤销|取消授权/ }).first().tap();
  await stage.shot(boss.page, "revoking");
  const sure = boss.page.getByRole("button", { name: /^(确认撤销|确定|撤销授权)$/ });
  if (await sure.first().isVisible().catch(() => false)) {
    await sure.first().tap();
  }
  await until("the hall to hear of it", async () => {
    await desk.openCase(ITEM, "法人");
    await agent.showCode("qy", `org:${company.uscc}`).catch(() => undefined);
    await window.scan(late);
    return desk.page.getByText("已撤销，不能凭它办理").or(desk.page.getByText("刚才已在本厅用过")).first().isVisible({ timeout: 2_000 }).catch(() => false);
  });
  await stage.shot(desk.page, "revoked");
});

story("a delegate acts for a principal who confirms from elsewhere, with the line up and down", "delegate", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk, citizen } = window;
  const principal = await window.phone("xu-hao");
  const delegate = await window.phone("wang-fang");
  await principal.delegate("wang-fang", { kinds: ["居民身份证", "社会保障卡"] });
  await delegate.acceptFrom(principal);
  await delegate.button("出示委托人身份码").tap();
  await delegate.showCode("wt");

  const serve = async (name) => {
    await desk.openCase("失业登记");
    await window.scan(await delegate.qrText());
    await desk.stepSays("免证清单");
    await desk.page.locator("#case-side").filter({ hasText: "王*" }).waitFor();
    await desk.press("F9");
    await desk.stepSays("等待委托人在手机上确认");
    await delegate.scanFrom(await window.glass());
    await window.shots(`${name}-asked`, delegate);
  };

  await serve("online");
  await delegate.page.getByRole("button", { name: /请委托人确认|提交给委托人|确认/ }).first().tap();
  await principal.confirm();
  await window.shots("online-confirmed", principal);
  await citizen.page.locator(".page.notice").waitFor();
  await stage.shot(citizen.page, "acknowledge");
  await citizen.page.locator("#confirm:not([disabled])").tap();
  await desk.stepSays("项已由证照填好");
  assert.match(await desk.page.locator("#sheet").innerText(), /许浩|徐浩|许昊/, "the form is the principal's");
  const no = await window.finish();
  await stage.shot(desk.page, "online-done");
  assert.equal(await judged(hall, no), "ratified");
});
