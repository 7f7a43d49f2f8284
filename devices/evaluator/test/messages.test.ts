import assert from "node:assert/strict";
import { test } from "node:test";
import fixture from "../../bus/fixtures/show-authorize.json";
import challenge from "../../bus/fixtures/show-challenge.json";
import notice from "../../bus/fixtures/show-notice.json";
import { readConfig, readControl, readHallState, readPage, readReceipt, readShow } from "../src/messages";

const CMD = "01KAJ8ZQ3R0000000000000001";

test("the documented page is read, with everything that the citizen must see", () => {
  const head = readShow(fixture);
  assert.ok(head);
  const show = readPage(head);
  assert.ok(typeof show === "object" && show.page === "authorize");
  assert.equal(show.gen, 78);
  assert.equal(show.data.item, fixture.data.item);
  assert.equal(show.data.offline_notice, "当前为离线办理，联网后复核");
  assert.deepEqual(show.data.licences, fixture.data.licences);
});

test("what the citizen has to know of a licence stands in its row, and nothing else does", () => {
  const note = "该证照登记在15 位旧身份证号码 519********7001 下";
  const noted = (value: unknown) => {
    const licences = [{ ...fixture.data.licences[0], note: value }];
    const head = readShow({ ...fixture, data: { ...fixture.data, licences } });
    assert.ok(head);
    const show = readPage(head);
    assert.ok(typeof show === "object" && show.page === "authorize");
    return show.data.licences[0]?.note;
  };
  assert.equal(noted(note), note);
  for (const nothing of [undefined, "", null, 7]) {
    assert.equal(noted(nothing), undefined);
  }
});

test("a page with a field missing or of another kind is not shown", () => {
  for (const name of ["item", "applicant", "licences", "min_view_ms", "confirm_label"]) {
    const data: Record<string, unknown> = { ...fixture.data };
    delete data[name];
    const head = readShow({ ...fixture, data });
    assert.ok(head);
    assert.equal(readPage(head), "malformed", name);
  }
  const licences = [{ ...fixture.data.licences[0], fields: [1] }];
  const head = readShow({ ...fixture, data: { ...fixture.data, licences } });
  assert.ok(head);
  assert.equal(readPage(head), "malformed");
});

function pageOf(message: { data: object }, change: object): unknown {
  const head = readShow({ ...message, data: { ...message.data, ...change } });
  assert.ok(head);
  return readPage(head);
}

test("a code for the phone is read with every word, and only with a code that can be drawn", () => {
  const show = pageOf(challenge, {});
  assert.ok(typeof show === "object" && show && "data" in show);
  const { deadline_ms: _, ...data } = challenge.data;
  assert.deepEqual(show.data, data);
  for (const qr of ["", "hb1:lower", "办事码", "A".repeat(1_501), "HB1:A\u0000"]) {
    assert.equal(pageOf(challenge, { qr }), "malformed", qr.slice(0, 12));
  }
  assert.equal(pageOf(challenge, { kind: "fingerprint" }), "malformed");
  assert.equal(pageOf(challenge, { text: ["", 1] }), "malformed");
});

test("a notice is read with every row, and what is missing makes it none", () => {
  const show = pageOf(notice, {});
  assert.ok(typeof show === "object" && show && "data" in show);
  const { deadline_ms: _, text_version: __, ...data } = notice.data;
  assert.deepEqual(show.data, { ...data, offline_notice: null, refuse_label: null });
  assert.equal(pageOf(notice, { rows: [{ label: "依据" }] }), "malformed");
  assert.equal(pageOf(notice, { confirm_label: undefined }), "malformed");
});

test("an unknown page is unsupported, a broken envelope is nothing", () => {
  const head = readShow({ ...fixture, page: "hologram" });
  assert.ok(head);
  assert.equal(readPage(head), "unsupported");
  for (const broken of [null, [], "x", { ...fixture, id: "1" }, { ...fixture, gen: -1 }, { ...fixture, ttl_ms: 0.5 }, { ...fixture, data: [] }]) {
    assert.equal(readShow(broken), null);
  }
});

test("the other messages are read or refused", () => {
  const config = { v: 1, ver: 19, hall: "大厅", window: { code: "W01", name: "1号窗口" }, bind_epoch: 4, hb_s: 15, newer: true };
  assert.deepEqual(readConfig(config), { ver: 19, hall: "大厅", window: config.window, bindEpoch: 4, hbS: 15, notice: null });
  assert.equal(readConfig({ ...config, window: undefined })?.window, null);
  assert.equal(readConfig({ ...config, window: { code: 1 } }), null);
  assert.deepEqual(readReceipt({ v: 1, answer: CMD, cmd: CMD, result: "stale", reason: "x" }), { answer: CMD, cmd: CMD, result: "stale" });
  assert.equal(readReceipt({ v: 1, answer: CMD, cmd: CMD, result: "perhaps" }), null);
  assert.deepEqual(readHallState({ v: 1, online: false, boot: CMD }), { online: false, boot: CMD });
  assert.equal(readHallState({ online: "yes", boot: CMD }), null);
  assert.deepEqual(readControl({ id: CMD, kind: "extend", cmd: CMD, ttl_ms: 5, left: 1 }), { id: CMD, kind: "extend", cmd: CMD, ttlMs: 5, left: 1 });
  assert.equal(readControl({ id: CMD, kind: "explode" }), null);
});
