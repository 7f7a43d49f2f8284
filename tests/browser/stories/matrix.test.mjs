// 核验方式矩阵, in short: the outcomes that no other story comes to. `make matrix` drives every cell.

import assert from "node:assert/strict";
import { drive } from "../matrix/drive.mjs";
import { promised } from "../matrix/table.mjs";
import { story } from "../support/story.mjs";

const CELLS = ["实体身份证，证照在本厅缓存 T0", "实体身份证，证照在本厅缓存 T2", "实体身份证，证照在本厅缓存 T3", "窗口刷脸，事项已预先核准 T3"];

story("offline every tier comes to what the matrix promises: received, on condition with a second clerk, and decided where approved", "matrix", async (told) => {
  const cells = (await promised()).filter((cell) => cell.applicant === "个人" && cell.line === "离线" && CELLS.includes(`${cell.way} ${cell.tier}`));
  assert.equal(cells.length, CELLS.length);
  let runs = [];
  await drive(told, "个人", "离线", cells, (judged) => void (runs = judged));
  assert.deepEqual(runs.map(({ outcome }) => outcome), ["受理", "容缺受理", "仅收件", "受理"]);
});
