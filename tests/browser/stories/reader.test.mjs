// 读卡器: everything that goes wrong between a card and a screen, with a sentence for each.

import assert from "node:assert/strict";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Tablet } from "../support/tablet.mjs";

story("a reader that goes wrong says how, and goes on", "reader", async ({ hall, stage }) => {
  const desk = await Desk.at(stage, hall, "W01");
  await desk.openCase("失业登记");
  const window = async () => (await hall.state()).windows[0];
  const read = async () => {
    await desk.stepSays("请看人、看证");
    await desk.press("Esc");
    await desk.stepSays("请办事人出示证件");
    await hall.lift("W01");
  };

  // Lifted too early: the clerk hears of it at once, and the same read goes on with the card laid down again.
  await hall.breakReader("W01", "lifted_mid_read");
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.place("W01", "xu-hao");
  await desk.stepSays("请拿起证件，再放一次");
  await stage.shot(desk.page, "lifted");
  assert.equal((await window()).card, null, "it was lifted indeed");
  await hall.place("W01", "xu-hao");
  await read();

  // A card that cannot be read; another attempt with the card alone can.
  await hall.breakReader("W01", "unreadable");
  await desk.press("F2");
  await hall.place("W01", "xu-hao");
  await desk.stepSays("请拿起证件，单独再放一次");
  await stage.shot(desk.page, "unreadable");
  await hall.breakReader("W01", null);
  await hall.lift("W01");
  await hall.place("W01", "xu-hao");
  await read();

  // A line that puts noise before each answer: read in the end, and never anything else than what the card says.
  const sound = (await window()).struck;
  await hall.breakReader("W01", "garbage");
  await desk.press("F2");
  await hall.place("W01", "xu-hao");
  await desk.stepSays("请看人、看证");
  await desk.stepSays("徐浩");
  await stage.shot(desk.page, "read-through-garbage");
  assert.ok((await window()).struck - sound >= 3, "noise came before finding, choosing and reading");
  await hall.breakReader("W01", null);
  await read();

  // A line on which no checksum holds: nothing is believed, and the reader mends itself.
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  const noisy = (await window()).struck;
  await hall.breakReader("W01", "wrong_checksum");
  await desk.stepSays("读卡器传来的数据不完整，已丢弃");
  await stage.shot(desk.page, "wrong-checksum");
  assert.ok((await window()).struck - noisy >= 3, "each command was repeated before it was given up");
  await hall.place("W01", "xu-hao");
  await hall.breakReader("W01", null);
  await desk.press("F2");
  await read();

  // Pulled out while it waits, and before it is asked.
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.plug("W01", false);
  await desk.stepSays("读卡途中读卡器被拔出");
  await desk.stepSays("读卡器已拔出");
  await stage.shot(desk.page, "unplugged");
  await hall.plug("W01", true);

  // An expired card goes on only with a note, or gives way to another card in the same case.
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.place("W01", "zhou-ming");
  await desk.stepSays("过期");
  await stage.shot(desk.page, "expired");
  const no = await desk.caseNo();
  // The card that was read before still lies there.
  await desk.press("F2");
  await desk.stepSays("上一张证件还在时请先拿开");
  await stage.shot(desk.page, "last-card");
  await hall.lift("W01");
  await hall.place("W01", "xu-hao");
  await desk.stepSays("请看人、看证");
  await hall.lift("W01");
  await desk.press("Enter");
  await desk.stepSays("免证清单");
  assert.equal(await desk.caseNo(), no, "no new case was needed");
  await desk.page.locator("#case-steps a").filter({ hasText: "核验" }).click();
  await desk.stepSays("徐*");
  await stage.shot(desk.page, "identified");
});

story("what a reader says in the end, the clerk reads", "reader-says", async ({ hall, stage }) => {
  const reader = await Tablet.at(hall, "W01", "card-reader");
  try {
    const desk = await Desk.at(stage, hall, "W01");
    await desk.openCase("失业登记");
    let asked;
    const ask = async () => {
      await desk.press("F2");
      asked = await until("a new read", async () => {
        const read = await reader.heardLast("down/read");
        return read.id !== asked?.id && read;
      });
      await desk.stepSays("等待放卡");
    };
    const says = {
      timeout: "没有等到证件",
      "card-lifted": "卡片在读完之前被拿开",
      unreadable: "这张卡读不出来",
      unsupported: "这张卡读不出来",
      "reader-fault": "读卡器传来的数据不完整",
      unplugged: "读卡途中读卡器被拔出",
    };
    for (const [reason, sentence] of Object.entries(says)) {
      await ask();
      await reader.ack(asked, { status: "reading" });
      await desk.stepSays("正在读取，请勿移动证件");
      assert.equal((await reader.send(reader.readAnswer(asked, { outcome: "failed", reason }))).result, "accepted");
      await desk.stepSays(sentence);
    }
    // One that will not read now is heard at once; one that says nothing is given up.
    await ask();
    await reader.ack(asked, { status: "rejected", reason: "not-ready" });
    await desk.stepSays("读卡途中读卡器被拔出");
    await ask();
    await desk.stepSays("读卡驱动没有应答");
    await stage.shot(desk.page, "unheard");
    // An answer for another case's binding is not a card of this one.
    await ask();
    await reader.ack(asked, { status: "waiting" });
    const elsewhere = reader.readAnswer({ ...asked, case: "0".repeat(32) }, { outcome: "failed", reason: "timeout" });
    assert.equal((await reader.send(elsewhere)).result, "rejected");
    await desk.stepSays("等待放卡");
  } finally {
    await reader.stop();
  }
});

story("the person of a case is exchanged only by a new verification", "other-person", async ({ hall, stage }) => {
  const desk = await Desk.at(stage, hall, "W01");
  await desk.toList({ card: "xu-hao" });

  const entries = await hall.verified();
  // A page of the same clerk that still offers 读卡 lets another card be read: it is not taken.
  await desk.page.evaluate(async (address) => {
    const body = new URLSearchParams({ csrf: document.querySelector("input[name=csrf]").value });
    await fetch(`${address}/read-card`, { method: "POST", body });
  }, desk.address);
  await hall.place("W01", "wang-fang");
  await desk.page.locator("#case-steps a").filter({ hasText: "核验" }).click();
  await desk.stepSays("这是 王* 的证件，本案办事人是 徐*");
  await stage.shot(desk.page, "other-person");
  assert.equal(await hall.verified(), entries, "nothing was recorded");
  await desk.page.getByRole("button", { name: "用原来读到的证件继续" }).click();
  await hall.lift("W01");
  await desk.again("identify");
  await desk.stepSays("看免证清单");

  await desk.page.getByRole("button", { name: "重新核验（换人）" }).click();
  await desk.stepSays("请办事人出示证件");
  await desk.identify("W01", "wang-fang");
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-steps").filter({ hasText: "王*" }).waitFor();
  await hall.lift("W01");
});
