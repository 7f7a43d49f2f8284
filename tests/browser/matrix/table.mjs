// 核验方式矩阵: what docs/matrix.md promises, and what runs have shown, as data.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../support/hall.mjs";

const PROMISED = path.join(ROOT, "docs/matrix.md");
/** One run of each cell: what came of it, and what it took. */
export const RUNS = path.join(ROOT, "docs/matrix.runs.json");

export const TIERS = ["T0", "T1", "T2", "T3"];

/** Every cell of the tables: who applies, whether the line is up, the way, the tier and the outcome, in Chinese as they stand there. */
export async function promised() {
  const cells = [];
  let table = null;
  for (const line of (await readFile(PROMISED, "utf8")).split("\n")) {
    const heading = /^## (个人|法人)，(在线|离线)$/.exec(line);
    if (heading) {
      table = { applicant: heading[1], line: heading[2] };
    } else if (line.startsWith("## ")) {
      table = null;
    } else if (table && line.startsWith("| ") && !line.startsWith("| 方式")) {
      const [way, ...outcomes] = line.split("|").map((cell) => cell.trim()).filter(Boolean);
      cells.push(...TIERS.map((tier, at) => ({ ...table, way, tier, outcome: outcomes[at] })));
    }
  }
  return cells;
}

const place = ({ applicant, line, way, tier }) => [applicant, line, way, tier].join(" · ");

/** Puts the runs in place of earlier ones of the same cells, in the order of the tables. */
export async function record(runs) {
  const held = JSON.parse(await readFile(RUNS, "utf8").catch(() => "[]"));
  const all = new Map([...held, ...runs].map((run) => [place(run), run]));
  const order = (await promised()).map(place).filter((one) => all.has(one));
  const lines = order.map((one) => `  ${JSON.stringify(all.get(one))}`);
  await writeFile(RUNS, `[\n${lines.join(",\n")}\n]\n`);
}
