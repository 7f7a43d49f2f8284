// 设备: an evaluator written in Python from docs/protocol alone serves a citizen at a real box.

import assert from "node:assert/strict";
import { Desk } from "../support/desk.mjs";
import { until } from "../support/hall.mjs";
import { story } from "../support/story.mjs";
import { Stranger } from "../support/stranger.mjs";

story("an evaluator in another language, from the documents alone, serves a citizen", "stranger", async ({ hall, stage }) => {
  const evaluator = await Stranger.at(hall, "W01");
  try {
    await evaluator.says(/^page idle$/);
    const desk = await Desk.at(stage, hall, "W01");
    await desk.toList();
    const before = await hall.verified();
    await desk.press("F6");
    await evaluator.says(/^page authorize$/);
    await evaluator.says(/^receipt accepted$/);
    await desk.stepSays("项已由证照填好");
    assert.ok((await hall.verified()) > before, "the consent is recorded");
    await stage.shot(desk.page, "filled");

    // The plug is pulled and put back: same key, same name, a counter that goes on.
    await evaluator.kill();
    evaluator.start();
    await evaluator.says(/^page idle$/);
    await desk.completeForm();
    const no = await desk.submit();
    await desk.press("F6");
    await evaluator.says(/^page rating$/);
    await evaluator.says(/^receipt accepted$/);
    const known = await until("the case at the centre", async () => (await hall.summary()).cases.find((one) => one.no === no && one.outcome), 40_000);
    assert.equal(known.outcome, "ratified");
    assert.ok(!/again:/.test(evaluator.said), evaluator.said);
  } finally {
    await evaluator.stop();
  }
});
