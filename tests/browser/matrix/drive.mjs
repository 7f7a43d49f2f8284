// Drives cells of the matrix in the browser and holds what comes of them against what the matrix promises.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { until } from "../support/hall.mjs";
import { Window } from "../support/window.mjs";
import { Citizen } from "../support/citizen.mjs";
import { Clerk } from "./clerk.mjs";
import { prepared, serve } from "./ways.mjs";

const RECORDED = { accept: "受理", accept_for_review: "受理，待复核", materials_to_follow: "容缺受理", receipt_only: "仅收件" };
/** 高风险 items of the matrix, which a centre may approve beforehand. */
const HIGH_RISK = ["11519900MBTE5T33632000100015001", "11519900MBTE5T184N2000100018001"];
const APPROVED = "窗口刷脸，事项已预先核准";

/** What the centre's operators ask it. */
async function operator(hall, path, body) {
  const token = (await readFile(hall.at.centre.token_file, "utf8")).trim();
  const options = body ? { method: "POST", body: JSON.stringify(body), headers: { authorization: `Bearer ${token}`, "content-type": "application/json" } } : { headers: { authorization: `Bearer ${token}` } };
  const answer = await fetch(`${hall.at.centre.admin}${path}`, options);
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

/** One person at one window in many ways a day: the limits of a hall are stories of their own. Waits until the hall has heard. */
async function publish(hall, approved, page) {
  const policy = await operator(hall, "/policy");
  const limits = { ...policy.limits, principal_per_day: 100, item_per_day: 100, agent_per_day: 100, window_per_day: 1_000 };
  const { version } = await operator(hall, "/policy", { ...policy, limits, pre_approved: approved });
  await page.goto(`${hall.at.box.url}/sync`);
  await page.locator("#sync-state tr").filter({ hasText: "离线政策" }).filter({ hasText: `第 ${version} 版` }).waitFor({ timeout: 60_000 });
}

/** Drives cells of one table. What has been judged is kept, whatever happens to a later cell. */
export async function drive({ hall, stage }, applicant, line, cells, keep) {
  const citizen = await Citizen.at(stage, hall, "W01");
  const clerk = await Clerk.at(stage, hall, "W01");
  const window = new Window(stage, hall, citizen, clerk);
  const table = await prepared(window, applicant, cells.map(({ way }) => way));
  await publish(hall, [], clerk.page);
  const runs = [];
  let failed = null;
  const phases = [cells.filter(({ way }) => way !== APPROVED), cells.filter(({ way }) => way === APPROVED)];
  for (const [approved, phase] of phases.entries()) {
    if (phase.length === 0) {
      continue;
    }
    if (approved) {
      await window.line("up");
      await publish(hall, HIGH_RISK, clerk.page);
    }
    if (line === "离线") {
      await window.line("cut");
    }
    for (const cell of phase) {
      const run = failed ? null : await one(window, table, cell).catch((error) => void (failed = error));
      runs.push(...(run ? [run] : []));
    }
  }
  await window.line("up");
  const right = [];
  for (const { no, ...run } of runs) {
    await (no ? judged(hall, { no, ...run }) : Promise.resolve()).then(() => right.push(run), (error) => void (failed ??= error));
  }
  await keep(right);
  if (failed) {
    throw failed;
  }
}

async function one(window, table, cell) {
  const { desk: clerk, stage, hall } = window;
  const name = `${cell.way}-${cell.tier}`;
  try {
    const end = await serve(window, table, cell);
    const took = await clerk.took();
    const says = end === "refused" ? "不能提交" : await clerk.toCheck({ byOffice: cell.way.startsWith("依职能") });
    await window.shots(name);
    const no = cell.outcome === "不能办理" ? assert.equal(says, "不能提交") : await clerk.sign(hall.at.accounts.find(({ account }) => account === "zhoumin"), hall.account("hall-admin"));
    console.log(`${cell.applicant} ${cell.line} ${name}: ${cell.outcome} ${JSON.stringify(took)}`);
    return { ...cell, ...took, ...(no ? { no } : {}) };
  } catch (error) {
    await window.shots(`failed-${name}`, ...[table.principal, table.helper].filter(Boolean));
    throw new Error(`${cell.applicant} ${cell.line} ${name}: ${error.message}`, { cause: error });
  }
}

/** What the box has recorded is what the desk said, and the centre has judged it. */
async function judged(hall, run) {
  const file = await until(`the centre's word on ${run.way} ${run.tier}`, async () => {
    const known = await operator(hall, `/cases/${run.no}`).catch(() => undefined);
    return known?.judgement && known.case;
  }, 60_000);
  assert.equal(RECORDED[file.submission.judgement.outcome], run.outcome, `${run.way} ${run.tier} as recorded`);
}
