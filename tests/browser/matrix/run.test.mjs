// `make matrix`: drives every cell that docs/matrix.md promises, in a browser, and writes down what it took.
// With MATRIX set, only the cells whose words hold it: MATRIX="个人 离线 刷脸"; a word after - must not be there.

import assert from "node:assert/strict";
import { story } from "../support/story.mjs";
import { drive } from "./drive.mjs";
import { promised, record } from "./table.mjs";
import { DRIVEN } from "./ways.mjs";

const wanted = (process.env.MATRIX ?? "").split(" ");
const holds = (cell, word) => Object.values(cell).join(" ").includes(word);
const all = (await promised()).filter((cell) => wanted.every((word) => (word.startsWith("-") ? !holds(cell, word.slice(1)) : holds(cell, word))));
assert.ok(all.every(({ way }) => DRIVEN.includes(way)), "every way can be driven");

// Nobody may show their face at the centre more than ten times in a while: what takes faces has a hall of its own.
const groupOf = ({ applicant, line, way }) => [applicant, line, /刷脸/.test(way) ? way : "其余"].join("，");
const groups = new Map(all.map((cell) => [groupOf(cell), []]));
all.forEach((cell) => groups.get(groupOf(cell)).push(cell));

for (const [name, cells] of groups) {
  const [{ applicant, line }] = cells;
  const run = (told) => drive(told, applicant, line, cells, record);
  story(`${name}: ${cells.length} cells`, `matrix-${name}`, run, { timeout: (3 + cells.length) * 60_000 });
}
