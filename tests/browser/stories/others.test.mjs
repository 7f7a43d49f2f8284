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
  await desk.page.locator("#case-side").filter({ hasText: "由经办授权人办理" }).waitFor();
  await desk.page.locator(".materials tr").filter({ hasText: "经营者居民身份证" }).filter({ hasText: "不能授权使用法定代表人的证照" }).waitFor();
  await window.shots("agent", agent);
  await window.agreeOnGlass();
  const number = desk.page.locator("#sheet .field").filter({ hasText: "法定代表人证件号码" }).locator("input");
  assert.equal(await number.inputValue(), "", "the agent's number is not the representative's");
  await stage.shot(desk.page, "agent-form");
  await desk.attach("经营者居民身份证", { name: "card.png", mimeType: "image/png", buffer: await desk.page.screenshot() });
  const no = await window.finish();
  assert.equal(await judged(hall, no), "ratified");

  // Taken back: the code that the phone still has counts no longer, as soon as the hall has heard of it.
  await agent.button("立即更换").tap();
  const late = await agent.qrText();
  await boss.open(`grants/${company.uscc}`);
  await boss.button("解除授权").tap();
  await boss.button("确认解除").tap();
  await boss.page.getByText("已解除").or(boss.page.getByText("已撤销")).first().waitFor();
  await stage.shot(boss.page, "ended");
  await desk.openCase(ITEM, "法人");
  await window.scan(late);
  await desk.page.getByText("已到期或已撤销").waitFor();
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
  await delegate.says("等待委托人确认");
  await principal.confirm();
  await window.shots("online-confirmed", principal);
  await citizen.page.locator(".page.notice").waitFor();
  await stage.shot(citizen.page, "acknowledge");
  await citizen.agree();
  await desk.stepSays("项已由证照填好");
  assert.equal(await desk.page.locator("#sheet .field").filter({ hasText: "姓名" }).locator("input").first().inputValue(), "徐浩", "the form is the principal's");
  const no = await window.finish();
  await stage.shot(desk.page, "online-done");
  assert.equal(await judged(hall, no), "ratified");
});

story("offline, the principal's yes is carried by the delegate's phone, and the delegate shows the card", "delegate-offline", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk, citizen } = window;
  const principal = await window.phone("xu-hao");
  const delegate = await window.phone("wang-fang");
  await principal.delegate("wang-fang", { kinds: ["居民身份证", "社会保障卡"] });
  await delegate.acceptFrom(principal);
  await delegate.button("出示委托人身份码").tap();
  await delegate.showCode("wt");
  await window.line("cut");
  await desk.openCase("失业登记");
  await window.scan(await delegate.qrText());
  await desk.stepSays("免证清单");
  await desk.again("identify");
  await desk.identify("W01", "wang-fang");
  await hall.lift("W01");
  await desk.again("list");
  await desk.press("F9");
  await delegate.scanFrom(await window.glass());
  await delegate.says("等待委托人确认");
  await principal.confirm();
  await window.scan(await delegate.answer());
  await citizen.agree();
  await desk.stepSays("项已由证照填好");
  await window.shots("carried", delegate);
  await desk.page.locator("#case-side").filter({ hasText: /受理|登记/ }).waitFor();
  const no = await window.finish();
  await window.line("up");
  assert.equal(await judged(hall, no), "ratified");
});

story("an office looks a licence up on a legal basis: told, approved, recorded", "office", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk, citizen } = window;
  await desk.toList();
  await desk.press("F6");
  await citizen.asked();
  await citizen.decline();
  await desk.stepSays("不同意用证");
  await desk.page.getByText("依职能查验（不经授权").click();
  await desk.page.getByLabel("主管账号").fill("liqiang");
  await desk.page.getByLabel("主管密码").fill("wrong");
  await desk.page.getByRole("button", { name: "告知办事人并查验" }).click();
  await desk.page.getByText("值班主管的账号或密码不正确").first().waitFor();
  await stage.shot(desk.page, "not-a-supervisor");
  const supervisor = hall.account("hall-admin");
  await desk.page.getByLabel("主管账号").fill(supervisor.account);
  await desk.page.getByLabel("主管密码").fill(supervisor.password);
  await desk.page.getByRole("button", { name: "告知办事人并查验" }).click();
  await citizen.page.locator(".page.notice").waitFor();
  await stage.shot(citizen.page, "notice");
  assert.match(await citizen.page.innerText("body"), /依职能查验告知[\s\S]*法定依据/);
  await citizen.agree();
  await desk.stepSays("项已由证照填好");
  await stage.shot(desk.page, "filled");
  const no = await window.finish();
  assert.equal(await judged(hall, no), "ratified");

  // The citizen finds it on their phone: which office, on which ground, and that there is nothing to take back.
  const phone = await window.phone("wang-fang");
  await phone.open("messages");
  const message = phone.page.locator("a.row").filter({ hasText: "依职能查验告知" });
  assert.match(await message.innerText(), /人力资源和社会保障局[\s\S]*依据：[\s\S]*不需要您授权/);
  await stage.shot(phone.page, "message");
  await message.tap();
  await phone.titled("授权记录");
  await phone.says("依职能查验：");
  await phone.says("办理部门依法查验了下面的证照");
  assert.equal(await phone.button("撤回授权").count(), 0);
  await stage.shot(phone.page, "record");
  await phone.open("consents");
  await phone.page.locator("a.row").filter({ hasText: "依职能查验" }).waitFor();
});
