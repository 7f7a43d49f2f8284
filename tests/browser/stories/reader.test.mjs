// 读卡器: everything that goes wrong between a card and a screen, with a sentence for each.

import { Desk } from "../support/desk.mjs";
import { story } from "../support/story.mjs";

story("a reader that goes wrong says how, and goes on", "reader", async ({ hall, stage }) => {
  const desk = await Desk.open(stage, hall);
  await desk.signIn();
  await desk.sitAt("W01");
  await desk.openCase("失业登记");

  const fails = async (fault, says, name) => {
    await hall.breakReader("W01", fault);
    await desk.press("F2");
    await hall.place("W01", "xu-hao");
    await desk.stepSays(says, 45_000);
    await stage.shot(desk.page, name);
    await hall.breakReader("W01", null);
    await hall.lift("W01");
  };
  await fails("lifted_mid_read", "被拿开", "lifted");
  await fails("unreadable", "这张卡读不出来", "unreadable");

  // A line that garbles each answer, and a sound one again: the card is read in the end.
  await hall.breakReader("W01", "garbage");
  await desk.press("F2");
  await hall.place("W01", "xu-hao");
  await desk.stepSays("请看人、看证");
  await stage.shot(desk.page, "read-through-garbage");
  await desk.press("Esc");
  await hall.breakReader("W01", null);
  await hall.lift("W01");

  await hall.plug("W01", false);
  await desk.stepSays("读卡器已拔出");
  await stage.shot(desk.page, "unplugged");
  await hall.plug("W01", true);
  await desk.stepSays("请办事人出示证件");

  // An expired card goes on only with a note.
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.place("W01", "zhou-ming");
  await desk.stepSays("过期");
  await stage.shot(desk.page, "expired");
  await hall.lift("W01");

  // Another person in the middle of a case is not taken for the first one.
  await desk.openCase("失业登记");
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.place("W01", "xu-hao");
  await desk.stepSays("请看人、看证");
  await hall.lift("W01");
  await desk.press("Enter");
  await desk.stepSays("免证清单");
  await desk.page.locator("#case-steps a").filter({ hasText: "核验" }).click();
  await desk.stepSays("徐*");
  await stage.shot(desk.page, "identified");
});

story("a card of another person in the middle of a case is not taken", "other-person", async ({ hall, stage }) => {
  const desk = await Desk.open(stage, hall);
  await desk.signIn();
  await desk.sitAt("W01");
  await desk.openCase("失业登记");
  await desk.press("F2");
  await hall.place("W01", "zhou-ming");
  await desk.stepSays("过期");
  await hall.lift("W01");
  await desk.press("F2");
  await hall.place("W01", "wang-fang");
  await desk.stepSays("这是 王* 的证件，本案办事人是 周*");
  await stage.shot(desk.page, "other-person");
});
