// 设备: a stranger's evaluator speaks the protocol as written, and then breaks its rules one by one.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Tablet } from "../support/tablet.mjs";

const CONFIRMED = { outcome: "confirmed", detail: { refused_rows: [] } };

story("an evaluator by somebody else serves a citizen, and cannot cheat", "devices", async ({ hall, stage }) => {
  const tablet = await Tablet.at(hall, "W01");
  try {
    const desk = await Desk.at(stage, hall, "W01");
    await desk.toList();

    // A page that was taken back takes no answer.
    await desk.press("F6");
    const first = await tablet.page("authorize");
    await tablet.shown(first);
    await desk.stepSays("办事人正在看授权页");
    await desk.press("Esc");
    await desk.stepSays("已取消");
    assert.equal((await tablet.send(tablet.answer(first, CONFIRMED))).result, "stale");

    // Agreement to something other than what was shown says nothing.
    await desk.press("F6");
    const show = await until("a new page", async () => {
      const page = await tablet.page("authorize");
      return page.id !== first.id && page;
    });
    await tablet.shown(show);
    const entries = await hall.verified();
    const refused = async (answer, why) => assert.equal((await tablet.send(answer)).result, "rejected", why);
    await refused(tablet.answer(show, CONFIRMED, { digest: `sha-256:${"0".repeat(64)}` }), "another digest");
    await desk.stepSays("办事人正在看授权页");
    // Nor does one under a key that is not the device's, and its number is not used up by it.
    const { privateKey: stolen } = generateKeyPairSync("ed25519");
    const wrong = tablet.answer(show, CONFIRMED, { counter: 1_000_000 });
    await refused({ ...wrong, jws: tablet.signed(JSON.parse(Buffer.from(wrong.jws.payload, "base64url")), stolen).jws }, "another key");
    await desk.stepSays("办事人正在看授权页");
    assert.equal(await hall.verified(), entries, "what was not believed is no entry");

    // The real answer counts, once.
    const yes = tablet.answer(show, CONFIRMED);
    const receipt = await tablet.send(yes);
    assert.equal(receipt.result, "accepted", receipt.reason);
    await desk.stepSays("项已由证照填好");
    const recorded = await hall.verified();
    assert.equal((await tablet.send(yes, 2)).result, "duplicate");
    assert.equal((await tablet.send(tablet.answer(show, { outcome: "refused", detail: {} }))).result, "stale");
    await desk.stepSays("项已由证照填好");
    assert.equal(await hall.verified(), recorded, "it counts once");

    // It sees nothing of others and says nothing in their name.
    await tablet.client.subscribeAsync("hw/1/d/+/down/#", { qos: 1 }).catch(() => undefined);
    await tablet.client.subscribeAsync("#", { qos: 1 }).catch(() => undefined);
    await desk.openCase("失业登记");
    await desk.press("F2");
    await desk.stepSays("等待放卡");
    assert.deepEqual(tablet.heard.filter(({ topic }) => topic !== "hw/1/hall/state" && !topic.includes(tablet.device)), []);
    await assert.rejects(new Tablet(hall, tablet.key).connect({ username: tablet.device, password: "geraten", clientId: tablet.device }));

    // Who signs falsely is not believed again until a technician has looked.
    await desk.press("Esc");
    await desk.identify("W01", "xu-hao");
    await desk.stepSays("免证清单");
    await desk.press("F6");
    const third = await until("the third page", async () => {
      const page = await tablet.page("authorize");
      return page.id !== show.id && page;
    });
    await tablet.shown(third);
    const forged = tablet.answer(third, CONFIRMED);
    forged.jws.signature = forged.jws.signature.replace(/^./, (letter) => (letter === "A" ? "B" : "A"));
    await tablet.publish("answer", forged.jws);
    await refused(tablet.answer(third, CONFIRMED, { counter: 1 }), "a counter that was used");
    await refused(tablet.answer(third, CONFIRMED), "the right answer of a device that lied");
    assert.ok(!(await desk.page.innerText("#case-steps")).includes("已授权"));
    await stage.shot(desk.page, "forged");

    // The technician puts another one there: the case goes on with it.
    const honest = await Tablet.at(hall, "W01");
    try {
      await desk.stepSays("评价器离线");
      await desk.press("F6");
      const fourth = await honest.page("authorize");
      await honest.shown(fourth);
      assert.equal((await honest.send(honest.answer(fourth, CONFIRMED))).result, "accepted");
      await desk.stepSays("项已由证照填好");
    } finally {
      await honest.stop();
    }
  } finally {
    await tablet.stop();
  }
});

story("a page that an evaluator does not take is sent anew or given up, and the clerk hears of it", "devices-reject", async ({ hall, stage }) => {
  const tablet = await Tablet.at(hall, "W01");
  try {
    const desk = await Desk.at(stage, hall, "W01");
    await desk.toList();

    // It has shown pages far beyond what the box remembers.
    await desk.press("F6");
    const behind = await tablet.page("authorize");
    await tablet.ack(behind, { status: "rejected", reason: "generation" });
    await until("to be asked for the birth", () => tablet.heard.some(({ part, message }) => part === "down/ctl" && message.kind === "rebirth"));
    await tablet.born(500);
    const beyond = await until("the page once more", async () => {
      const page = await tablet.page("authorize");
      return page.gen > 500 && page;
    });
    assert.equal(beyond.id, behind.id, "it is the same question");
    assert.equal(beyond.digest, behind.digest);

    // It cannot show exactly that: the question is over, and nothing was agreed to.
    await tablet.ack(beyond, { status: "rejected", reason: "digest" });
    await desk.stepSays("评价器显示的内容与推送的不一致，已作废");
    await stage.shot(desk.page, "rejected");
    assert.equal((await tablet.send(tablet.answer(beyond, CONFIRMED))).result, "stale");
    await desk.press("F6");
    const again = await until("another question", async () => {
      const page = await tablet.page("authorize");
      return page.id !== beyond.id && page;
    });
    await tablet.shown(again);
    assert.equal((await tablet.send(tablet.answer(again, CONFIRMED))).result, "accepted");
    await desk.stepSays("项已由证照填好");
  } finally {
    await tablet.stop();
  }
});
