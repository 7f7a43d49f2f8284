// What people carry home, and what can be done with it: codes read by a decoder that did not draw them.

import assert from "node:assert/strict";
import { until } from "../support/hall.mjs";
import { Wedge } from "../support/desk-page.mjs";
import { qrOn } from "../support/phone.mjs";
import { story } from "../support/story.mjs";
import { Window } from "../support/window.mjs";

/** A paper that the desk prints, opened from its button. */
async function printed(desk, name) {
  const [paper] = await Promise.all([desk.page.context().waitForEvent("page"), desk.page.locator("#page a[target=_blank]").filter({ hasText: name }).first().click()]);
  await paper.locator(".qr svg").waitFor();
  return paper;
}

/** What 回执核验 on a phone says of a code, once it says this. */
async function checked(phone, code, says) {
  await until(`the phone to say ${says}`, async () => {
    await phone.scanText(code);
    await phone.titled("回执核验");
    await phone.page.locator(".closed h2, .trouble").first().waitFor();
    return (await phone.page.locator("main").innerText()).includes(says);
  }, 40_000);
}

story("papers of a window are found genuine on anybody's phone, tell how far the case has come, and open it at the desk", "papers", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const stranger = await window.phone("zhang-wei");
  await desk.toList();
  await window.agreeOnGlass();
  await desk.again("consent");
  const consent = await printed(desk, "打印授权回执");
  assert.match(await consent.innerText("h1"), /用证授权回执/);
  const agreed = await qrOn(consent.locator(".qr"));
  await stage.shot(consent, "consent-receipt");
  await consent.close();
  await checked(stranger, agreed, "回执真实，授权有效");
  await stage.shot(stranger.page, "genuine");
  // One character of it changed, it is not.
  const bent = agreed.slice(0, -4) + (agreed.at(-4) === "0" ? "1" : "0") + agreed.slice(-3);
  await stranger.scanText(bent);
  await stranger.page.getByText(/请勿采信|不是本省|不是政务大厅/).first().waitFor();

  await desk.again("form");
  const no = await window.finish();
  const receipt = await printed(desk, "打印 A4 回执");
  const code = await qrOn(receipt.locator(".qr"));
  await stage.shot(receipt, "receipt");
  await receipt.close();
  await checked(stranger, code, "复核通过");
  const told = await stranger.page.locator("main").innerText();
  for (const personal of ["王芳", "王*", no, "失业登记"]) {
    assert.ok(!told.includes(personal), `${personal} is nobody else's business`);
  }
  await stage.shot(stranger.page, "progress");

  const id = desk.caseId();
  for (const focus of [false, true]) {
    await desk.page.goto(`${hall.at.box.url}/cases`);
    if (focus) {
      await desk.page.keyboard.press("Control+K");
    }
    const wedge = await Wedge.on(desk.page);
    await wedge.scan(code);
    await desk.page.waitForURL(new RegExp(`/cases/${id}$`));
  }
});

/** The desk's form no longer holds what a licence said; the record then says who took it back. */
async function emptied(desk, stage, name, where) {
  const number = desk.page.locator("#sheet .field").filter({ hasText: "社会保障卡卡号" }).locator("input");
  await until("the licence's value to leave the form", async () => {
    await desk.again("form");
    return (await number.inputValue()) === "";
  });
  await stage.shot(desk.page, `${name}-form`);
  await desk.page.locator("summary").filter({ hasText: "终止办件" }).click();
  await desk.page.getByRole("button", { name: "终止", exact: true }).click();
  await desk.page.waitForURL(/\/cases$/);
  await desk.again();
  const entry = desk.page.locator(".timeline li").filter({ hasText: "办事人撤回授权，证照内容已移除" });
  assert.match(await entry.innerText(), new RegExp(where));
  await stage.shot(desk.page, `${name}-record`);
}

story("an authorisation taken back on the phone or at the centre leaves the desk, and the entry says where", "taken-back", async ({ hall, stage }) => {
  const window = await Window.open(stage, hall);
  const { desk } = window;
  const phone = await window.phone("wang-fang");
  await desk.toList();
  await window.agreeOnGlass();
  const first = await desk.caseNo();
  await until("the record on the phone", async () => {
    await phone.open("consents");
    return (await phone.page.locator("a.row").count()) > 0;
  });
  await phone.page.locator("a.row").first().tap();
  await phone.titled("授权记录");
  await phone.button("撤回授权").tap();
  await phone.says("不能恢复");
  await stage.shot(phone.page, "asked-first");
  await phone.button("不，返回").tap();
  await phone.button("撤回授权").tap();
  await phone.button("确认撤回").tap();
  await phone.says("撤回，大厅已收到通知");
  await stage.shot(phone.page, "done");
  await emptied(desk, stage, "phone", "手机");

  await desk.toList();
  await window.agreeOnGlass();
  const second = await desk.caseNo();
  assert.notEqual(second, first);
  const { withdrawn } = await until("the centre to know the consent", async () => {
    const answer = await hall.withdrawAtCentre(second).catch(() => null);
    return answer?.withdrawn ? answer : null;
  });
  assert.equal(withdrawn, 1);
  await emptied(desk, stage, "centre", "省级中心");
  await phone.open("messages");
  await phone.says("省级中心已按您的要求撤回");
  await phone.open("consents");
  await phone.says("已撤回");
});
