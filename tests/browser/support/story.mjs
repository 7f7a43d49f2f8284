// A story: one hall, one browser, and the people in it. What every page showed is kept when it fails.

import test from "node:test";
import { Stage } from "./browser.mjs";
import { Hall } from "./hall.mjs";

/** Runs `tell` with a fresh hall; `folder` names its screenshots. */
export function story(name, folder, tell, options = {}) {
  test(name, { timeout: 240_000 }, async () => {
    const hall = await Hall.start(options);
    let stage;
    let failed = true;
    try {
      stage = await Stage.open(folder);
      await tell({ hall, stage });
      failed = false;
    } catch (error) {
      const fallen = (await hall.logs().catch(() => [])).map(({ name: log, text }) => `── ${log}\n${text.split("\n").slice(-12).join("\n")}`);
      throw new Error(`${error.stack}\n${fallen.join("\n")}`);
    } finally {
      // The hall first asks nobody; a page that complains is told after it has gone.
      await hall.stop();
      await stage?.close(failed);
    }
  });
}
