// 手机: what citizens do with their phones before a window is involved.

import assert from "node:assert/strict";
import { Phone } from "../support/phone.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";

const LETTERS = /^HB1:[0-9A-Z $%*+\-./:]+$/;

story("a citizen signs in, shows a code with and without network, and opens a licence with the face", "phone", async ({ hall, stage }) => {
  const phone = await Phone.at(stage, hall, "wang-fang");
  const { page } = phone;
  await stage.shot(page, "sign-in");
  await stage.accessible(page, "the sign-in page of a phone");
  await phone.signIn();
  await stage.shot(page, "home");
  await stage.accessible(page, "the first page of a phone");

  await phone.showCode("zw");
  const first = await phone.qrText();
  assert.match(first, LETTERS);
  await stage.shot(page, "code");
  await stage.accessible(page, "a code");
  await phone.button("立即更换").tap();
  const second = await until("another code", async () => {
    const text = await phone.qrText();
    return text !== first && text;
  });
  assert.match(second, LETTERS);

  await phone.open("licences");
  await page.locator(".licence").filter({ hasText: "居民身份证" }).waitFor();
  assert.doesNotMatch(await page.innerText("main"), /519900198805160241/, "numbers on cards are masked");
  await stage.shot(page, "licences");
  await page.getByRole("link", { name: "添加证照" }).tap();
  await page.getByRole("link", { name: "按部门" }).tap();
  await page.getByPlaceholder("请输入证照名称").fill("结婚证");
  await stage.shot(page, "adding");
  await page.locator("li").filter({ hasText: "结婚证" }).getByRole("button", { name: "添加" }).tap();
  await page.locator(".licence").filter({ hasText: "结婚证" }).waitFor();

  await page.locator(".licence").filter({ hasText: "居民身份证" }).tap();
  await stage.shot(page, "licence");
  await phone.button("查看证照原件").tap();
  for (const [look, said] of [["另一个人", /不是同一人/], ["戴口罩", /遮挡/], ["照片翻拍", /真人/], ["太暗", /太暗/], ["超时", /超时/]]) {
    const refused = await phone.face(look);
    assert.match(refused ?? "", said, look);
  }
  await stage.shot(page, "face-refused");
  assert.equal(await phone.face("本人"), null);
  await phone.titled("证照原件");
  await phone.says("519900198805160241");
  await stage.shot(page, "original");
  await stage.accessible(page, "an original");

  await phone.network(false);
  await phone.open("licences");
  await phone.says("手机没有网络");
  await stage.shot(page, "without-network");
  await phone.showCode("zw");
  await phone.says("无网络，照常出示");
  const third = await phone.qrText();
  assert.match(third, LETTERS);
  assert.ok(third !== first && third !== second);
  await stage.shot(page, "code-without-network");
  await page.reload();
  await phone.showCode("zw");
  assert.match(await phone.qrText(), LETTERS, "a phone that was started anew without network has its code too");
  await phone.network(true);
  await phone.open("licences");
  await page.locator(".licence").filter({ hasText: "居民身份证" }).waitFor();

  const control = await stage.page("control", { width: 1366, height: 900 });
  await control.goto(hall.at.control.url);
  await control.getByLabel("查找手机").fill("王芳");
  assert.equal(await control.getByRole("link", { name: "打开王芳的手机" }).getAttribute("href"), page.url().split("#")[0]);
  await control.getByRole("button", { name: "断网王芳" }).click();
  await page.locator(".network").filter({ hasText: "无网络" }).waitFor();
  await control.locator("#phones").scrollIntoViewIfNeeded();
  await stage.shot(control, "control");
  await stage.accessible(control, "the control page with phones");
  await control.getByRole("button", { name: "联网王芳" }).click();
  await page.locator(".network").filter({ hasText: "移动网络" }).waitFor();

  await phone.largeType();
  await phone.showCode("zw");
  assert.match(await phone.qrText(), LETTERS);
  await stage.shot(page, "code-large");
  await stage.accessible(page, "a code in large type");
});

story("a principal entrusts a delegate, and a company makes an agent, from phone to phone", "phone-mandates", async ({ hall, stage }) => {
  const principal = await Phone.of(stage, hall, "xu-hao");
  const agent = await Phone.of(stage, hall, "wang-fang");
  await principal.delegate("wang-fang", { kinds: ["居民身份证"] });
  await stage.shot(principal.page, "mandate-given");
  await agent.acceptFrom(principal);
  await stage.shot(agent.page, "mandate-accepted");
  await agent.button("出示委托人身份码").tap();
  await agent.showCode("wt");
  assert.match(await agent.qrText(), LETTERS);
  await agent.says("委托人");
  await stage.shot(agent.page, "principal-code");

  const owner = await Phone.of(stage, hall, "zhang-wei");
  const cast = await hall.cast();
  const [company] = cast.find(({ slug }) => slug === "zhang-wei").represents;
  await owner.open("me");
  await owner.page.getByRole("link", { name: company.name }).tap();
  await owner.says("还没有经办授权人");
  await owner.grant(company.uscc, "wang-fang");
  await stage.shot(owner.page, "agents");
  await stage.accessible(owner.page, "the agents of a company");
  await owner.showCode("ys", `org:${company.uscc}`);
  await owner.says("法定代表人");
  assert.match(await owner.qrText(), LETTERS);

  await until("the agent's phone to hear of it", async () => {
    await agent.open("home");
    return agent.page.getByRole("link", { name: /^粤商码/ }).isVisible();
  });
  await agent.showCode("qy", `org:${company.uscc}`);
  await agent.says("经办授权人");
  const code = await agent.qrText();
  assert.match(code, LETTERS);
  await stage.shot(agent.page, "agent-code");
  await agent.scanFrom(owner.page.locator("body"));
  await agent.says("这是一个办事码");

  await principal.open("delegations/given");
  await principal.page.locator("a.row").filter({ hasText: "生效中" }).tap();
  await principal.button("撤销委托").tap();
  await principal.button("不，返回").tap();
  await principal.button("撤销委托").tap();
  await principal.says("不能恢复");
  await principal.button("确认撤销").tap();
  await principal.says("撤销委托，各大厅已收到通知");
  await principal.says("已撤销");
  await agent.open("messages");
  await agent.says("委托");
  await stage.shot(agent.page, "messages");
  await owner.open(`grants/${company.uscc}`);
  await owner.button("解除授权").tap();
  await owner.says("不能再代表本单位办理");
  await owner.button("确认解除").tap();
  await owner.says("已于");
  await until("an ended grant", async () => (await owner.button("解除授权").count()) === 0);
});
