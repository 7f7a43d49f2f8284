// A story: one hall, one browser, and the people in it. What every page showed is kept when it fails.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import { connect } from "node:tls";
import { Stage } from "./browser.mjs";
import { Hall, ROOT } from "./hall.mjs";

/** Runs `tell` with a fresh hall; `folder` names its screenshots. */
export function story(name, folder, tell, { skip = false, timeout = 240_000, ...options } = {}) {
  test(name, { timeout, skip }, async () => {
    const hall = await Hall.start(options);
    let stage;
    try {
      stage = await Stage.open(folder, { args: [await trust(hall)] });
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

/** Tells the browser to believe this hall's box, as a tablet does on which its CA certificate was installed. */
async function trust(hall) {
  const box = new URL(hall.at.box.url);
  const key = await new Promise((resolve, reject) => {
    const socket = connect({ host: box.hostname, port: Number(box.port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate().publicKey.export({ type: "spki", format: "der" }));
      socket.end();
    });
    socket.once("error", reject);
  });
  return `--ignore-certificate-errors-spki-list=${createHash("sha256").update(key).digest("base64")}`;
}

/** No log of any part holds a name, a number, an address or a telephone of anybody who could have been here. */
async function keepsSecrets(hall) {
  const secrets = new Set();
  for (const file of ["people.toml", "organisations.toml"]) {
    const cast = await readFile(path.join(ROOT, "tests/cast", file), "utf8");
    for (const [, secret] of cast.matchAll(/\b(?:name|number|address|phone|domicile) = "([^"]+)"/g)) {
      secrets.add(secret);
    }
  }
  // Licences, halls and offices have names too; only people's are secret.
  const people = new Set((await hall.cast()).map((person) => person.name));
  const personal = [...secrets].filter((secret) => people.has(secret) || /\d{6}|\d号/.test(secret));
  for (const { name, text } of await hall.logs()) {
    const found = personal.find((secret) => text.includes(secret));
    if (found) {
      throw new Error(`${name} holds personal data: ${found}`);
    }
  }
}
