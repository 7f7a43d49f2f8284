// Serves citizens for the benchmarks: clerk and evaluator side by side in one browser, every moment taken by the clock
// of this process. Each line on standard input asks for one case; one line of JSON answers it.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Stage } from "./support/browser.mjs";
import { Citizen } from "./support/citizen.mjs";
import { Desk } from "./support/desk.mjs";
import { Hall } from "./support/hall.mjs";

const [endpoints, CARD] = process.argv.slice(2);
const ITEM = "失业登记";
const WINDOW = "W01";

/**
 * Begins to watch a page for words. `painted` is the moment at which they were on the glass: the frame after the one in
 * which they were first found has begun.
 */
async function watch(page, selector, words) {
  const painted = page
    .waitForFunction(
      ([selector, words]) => {
        const found = [...document.querySelectorAll(selector)].some((one) => one.checkVisibility() && one.textContent.includes(words));
        globalThis.framesSeen = found ? (globalThis.framesSeen ?? 0) + 1 : 0;
        return globalThis.framesSeen >= 2;
      },
      [selector, words],
      { polling: "raf" },
    )
    .then(() => performance.now());
  // What a page is asked is done in order: after this answer it is being watched.
  await page.evaluate(() => (globalThis.framesSeen = 0));
  return { painted };
}

/** Milliseconds from `act` until what is watched is painted. */
async function took({ painted }, act) {
  const begun = performance.now();
  const acted = act();
  const ended = await painted;
  await acted;
  return ended - begun;
}

/** Does `work`, and tells the largest MQTT message that went each way meanwhile, in bytes. */
async function sizes(seen, work) {
  seen.down = seen.up = 0;
  const result = await work();
  return [result, { ...seen }];
}

async function main() {
  const hall = new Hall();
  hall.at = JSON.parse(await readFile(endpoints, "utf8"));
  const stage = await Stage.open("bench");
  try {
    const bus = { down: 0, up: 0 };
    const desk = await Desk.open(stage, hall);
    await desk.signIn();
    await desk.sitAt(WINDOW);
    const citizen = await Citizen.at(listening(stage, bus), hall, WINDOW);
    console.log("ready");
    for await (const _ of createInterface({ input: process.stdin })) {
      console.log(JSON.stringify(await serve(hall, desk, citizen, bus)));
    }
  } finally {
    await stage.browser.close();
  }
}

/** A stage whose pages tell how large their messages are. */
function listening(stage, bus) {
  return {
    shot: (...given) => stage.shot(...given),
    page: async (...given) => {
      const page = await stage.page(...given);
      page.on("websocket", (socket) => {
        socket.on("framereceived", ({ payload }) => (bus.down = Math.max(bus.down, payload.length)));
        socket.on("framesent", ({ payload }) => (bus.up = Math.max(bus.up, payload.length)));
      });
      return page;
    },
  };
}

async function serve(hall, desk, citizen, bus) {
  const clerk = desk.page;
  await desk.openCase(ITEM);
  await desk.press("F2");
  await desk.stepSays("等待放卡");
  const person = await watch(clerk, "#case-step", "请看人、看证");
  const card_to_person = await took(person, () => hall.place(WINDOW, CARD));
  const list = await watch(clerk, "#case-step h2", "项可免提交");
  const confirm_to_list = await took(list, () => clerk.keyboard.press("Enter"));
  await hall.lift(WINDOW);

  await clerk.locator(`#page [data-key="F6"]:not([disabled])`).first().waitFor();
  const asked = await watch(citizen.page, ".page.authorize", "");
  const [push_to_painted, shown] = await sizes(bus, () => took(asked, () => clerk.keyboard.press("F6")));

  const { x, y } = await agreeable(citizen.page);
  const filled = await watch(clerk, "#case-step", "项已由证照填好");
  const [agree_to_screen, said] = await sizes(bus, () => took(filled, () => citizen.page.touchscreen.tap(x, y)));
  return { card_to_person, confirm_to_list, push_to_painted, agree_to_screen, show_bytes: shown.down, answer_bytes: said.up };
}

/** Where 同意授权 can be touched, once the page was read to its end. */
async function agreeable(page) {
  const [further, button] = [page.locator(".further:not([hidden])"), page.locator("#agree:not([disabled])")];
  await further.or(button).first().waitFor();
  while (await further.isVisible()) {
    await further.tap({ timeout: 1_000 }).catch(() => undefined);
  }
  await button.waitFor();
  const { x, y, width, height } = await button.boundingBox();
  return { x: x + width / 2, y: y + height / 2 };
}

await main();
