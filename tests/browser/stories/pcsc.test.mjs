// PC/SC: the desk reads an identity card through the smart card service, as from a reader on a serial line.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Desk } from "../support/desk.mjs";
import { story } from "../support/story.mjs";

story("a card on a reader behind PC/SC identifies its holder", "pcsc", async ({ hall, stage }) => {
  const settings = await readFile(path.join(path.dirname(hall.at.box.data), "drivers/W01/driver.toml"), "utf8");
  assert.match(settings, /^pcsc = /m, "the reader is no serial one");
  const desk = await Desk.at(stage, hall, "W01");
  await desk.openCase("失业登记");
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  await hall.place("W01", "wang-fang");
  await desk.stepSays("请看人、看证");
  await stage.shot(desk.page, "read");
  await desk.press("Enter");
  await desk.stepSays("免证清单");
  await hall.lift("W01");

  const technician = await Desk.open(stage, hall, "technician");
  await technician.signIn(hall.account("hall-admin"));
  await technician.page.goto(`${hall.at.box.url}/devices`);
  await technician.page.locator(".slot").filter({ hasText: "读卡器" }).filter({ hasText: "正常" }).waitFor();
  await stage.shot(technician.page, "devices");
}, { pcsc: true });
