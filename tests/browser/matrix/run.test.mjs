// `make matrix`: drives every cell that docs/matrix.md promises, in a browser, and writes down what it took.
// With MATRIX set, only the cells whose words hold it: MATRIX="个人 离线 刷脸"; a word after - must not be there.

import { story } from "../support/story.mjs";
import { drive } from "./drive.mjs";
import { promised, record } from "./table.mjs";
import { DRIVEN } from "./ways.mjs";

const wanted = (process.env.MATRIX ?? "").split(" ");
const all = (await promised()).filter((cell) => wanted.every((word) => (word.startsWith("-") ? !Object.values(cell).join(" ").includes(word.slice(1)) : Object.values(cell).join(" ").includes(word))));

for (const [applicant, line] of [["个人", "在线"], ["个人", "离线"], ["法人", "在线"], ["法人", "离线"]]) {
  const cells = all.filter((cell) => cell.applicant === applicant && cell.line === line && DRIVEN.includes(cell.way));
  if (cells.length > 0) {
    const minutes = 3 + cells.length;
    story(`${applicant}，${line}: ${cells.length} cells`, `matrix-${applicant}-${line}`, async (told) => record(await drive(told, applicant, line, cells)), { timeout: minutes * 60_000 });
  }
}
