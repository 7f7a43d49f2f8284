// A story: one hall, one browser, and the people in it. What every page showed is kept when it fails.

import test from "node:test";
import { Stage } from "./browser.mjs";
import { Hall } from "./hall.mjs";

/** Runs `tell` with a fresh hall; `folder` names its screenshots. */
export function story(name, folder, tell, { skip = false, ...options } = {}) {
  test(name, { timeout: 240_000, skip }, async () => {
    const hall = await Hall.start(options);
    let stage;
    try {
      stage = await Stage.open(folder);
      await tell({ hall, stage });
      stage.quiet();
      await keepsSecrets(hall);
      await hall.verified();
    } catch (error) {
      const shown = (await stage?.keep()) ?? "";
      const logs = await hall.logs().catch(() => []);
      const lasts = logs.map(({ name: log, text }) => `── ${log}\n${text.split("\n").slice(-12).join("\n")}`);
      throw new Error(`${error.stack}\n${lasts.join("\n")}${shown}`);
    } finally {
      await stage?.close();
      await hall.stop();
    }
  });
}

/** No log of any part holds a name or a number of anybody who could have been here. */
async function keepsSecrets(hall) {
  const logs = await hall.logs();
  for (const person of await hall.cast()) {
    // Names of one character and of two stand in ordinary words too.
    const secrets = [person.number, ...(person.name.length > 2 ? [person.name] : [])];
    for (const secret of secrets) {
      const log = logs.find(({ text }) => text.includes(secret));
      if (log) {
        throw new Error(`${log.name} holds personal data of ${person.slug}`);
      }
    }
  }
}
