import assert from "node:assert/strict";
import { test } from "node:test";
import fixture from "../../bus/fixtures/show-authorize.json";
import challengeFixture from "../../bus/fixtures/show-challenge.json";
import noticeFixture from "../../bus/fixtures/show-notice.json";
import { mayAgree, start, step, STAY, type Effect, type Event, type Outcome, type State } from "../src/machine";
import { readPage, readShow, type Show } from "../src/messages";
import { ulid } from "../src/ulid";

const ID = (n: number): string => ulid(1_795_224_600_000, new Uint8Array(16).fill(n));
const CONFIG = { ver: 1, hall: "大厅", window: { code: "W01", name: "1号窗口" }, bindEpoch: 4, hbS: 15, notice: null };

function pageShow(change: object = {}, data: object = {}): Show {
  const head = readShow({ ...fixture, ...change, data: { ...fixture.data, ...data } });
  assert.ok(head);
  const show = readPage(head);
  assert.ok(typeof show === "object");
  return show;
}

function other(page: string, data: object, n: number, gen: number): Show {
  const head = readShow({ ...fixture, id: ID(n), gen, page, data });
  assert.ok(head);
  const show = readPage(head);
  assert.ok(typeof show === "object");
  return show;
}

const RATING = {
  service: "登记",
  case_no: fixture.data.case_no,
  rubric: "1",
  levels: [{ level: 5, label: "非常满意", reasons: [] }, { level: 2, label: "不满意", reasons: ["等候时间长"] }],
  reason_required_below: 3,
};
const IDLE = { hall: "大厅", window: "1号窗口" };

/** A device with a clock that only the test moves. */
class Device {
  state: State = start({ gen: 0, cmd: null, answered: [], config: CONFIG });
  effects: Effect[] = [];
  ran = 1_000;
  passed = 1_000;

  on(event: Event): this {
    const result = step(this.state, event, { ran: this.ran, passed: this.passed });
    this.state = result.state;
    this.effects = result.effects;
    return this;
  }

  show(show: Show, waiting: Outcome | null = null): this {
    return this.on({ type: "show", show, waiting });
  }

  after(ms: number): this {
    this.ran += ms;
    this.passed += ms;
    return this.on({ type: "tick" });
  }

  asleep(ms: number): this {
    this.passed += ms;
    return this.on({ type: "tick" });
  }

  get kind(): string {
    const page = this.state.page;
    return page.kind === "result" ? `result ${page.what}` : page.kind;
  }

  did(what: Effect["do"]): Effect[] {
    return this.effects.filter((effect) => effect.do === what);
  }

  answer(): Extract<Effect, { do: "answer" }> {
    const [answer] = this.did("answer");
    assert.ok(answer && answer.do === "answer");
    return answer;
  }

  /** Shown, seen to the end, looked at long enough. */
  static reading(show = pageShow()): Device {
    const device = new Device().show(show).on({ type: "painted", cmd: show.id }).on({ type: "seen-all" });
    return device.after(3_000);
  }
}

test("nothing is agreed to before the page was seen to its end for the shortest time", () => {
  const device = new Device().show(pageShow());
  assert.equal(device.on({ type: "agree" }).kind, "ask");
  device.on({ type: "seen-all" }).after(2_999);
  assert.equal(device.on({ type: "agree" }).kind, "ask");
  assert.deepEqual(device.did("answer"), []);
  device.after(1).on({ type: "agree" });
  assert.equal(device.kind, "sending");
  assert.deepEqual(device.answer().outcome, { outcome: "confirmed", detail: { refused_rows: [] } });
  assert.equal(device.answer().shownMs, 3_000);
});

test("a jump of the wall clock does not count as reading", () => {
  const device = new Device().show(pageShow()).on({ type: "seen-all" }).asleep(60_000);
  assert.equal(device.on({ type: "agree" }).kind, "ask");
});

test("a refusal needs no waiting and is as near as consent", () => {
  const device = new Device().show(pageShow()).on({ type: "decline" });
  assert.equal(device.kind, "sending");
  assert.deepEqual(device.answer().outcome, { outcome: "refused", detail: {} });
});

test("single licences can be refused, and all of them leaves nothing to agree to", () => {
  const device = Device.reading().on({ type: "switch-row", row: "m2" });
  device.on({ type: "switch-row", row: "nothing" }).on({ type: "switch-row", row: "m1" });
  assert.ok(device.state.page.kind === "ask");
  assert.equal(mayAgree(device.state.page, { ran: device.ran, passed: device.passed }), "nothing");
  device.on({ type: "agree" });
  assert.deepEqual(device.did("answer"), []);
  device.on({ type: "switch-row", row: "m1" }).on({ type: "agree" });
  assert.deepEqual(device.answer().outcome, { outcome: "confirmed", detail: { refused_rows: ["m2"] } });
});

test("success is said only after the receipt, and lists what was agreed", () => {
  const device = Device.reading().on({ type: "switch-row", row: "m2" }).on({ type: "agree" });
  const cmd = pageShow().id;
  device.on({ type: "kept", cmd, answer: ID(9) });
  assert.equal(device.kind, "sending");
  device.on({ type: "receipt", receipt: { answer: ID(8), cmd, result: "accepted" }, outcome: null });
  assert.equal(device.kind, "sending");
  device.on({ type: "receipt", receipt: { answer: ID(9), cmd, result: "accepted" }, outcome: null });
  const page = device.state.page;
  assert.ok(page.kind === "result" && page.what === "authorised");
  assert.deepEqual(page.agreed.map((row) => row.row), ["m1"]);
  assert.deepEqual(page.declined.map((row) => row.row), ["m2"]);
});

test("a second tap on agree sends nothing more", () => {
  const device = Device.reading().on({ type: "agree" }).on({ type: "agree" });
  assert.deepEqual(device.effects, []);
});

test("a stale or rejected answer is never called a success", () => {
  for (const result of ["stale", "rejected"] as const) {
    const device = Device.reading().on({ type: "agree" });
    device.on({ type: "receipt", receipt: { answer: ID(9), cmd: pageShow().id, result }, outcome: null });
    assert.equal(device.kind, "result not-recorded");
  }
});

test("without a receipt the page says so, and corrects itself when it comes", () => {
  const device = Device.reading().on({ type: "agree" }).after(STAY.unheard);
  assert.equal(device.kind, "result unknown");
  const outcome: Outcome = { outcome: "confirmed", detail: { refused_rows: [] } };
  device.show(other("idle", IDLE, 6, 79));
  device.on({ type: "receipt", receipt: { answer: ID(9), cmd: pageShow().id, result: "accepted" }, outcome });
  assert.equal(device.kind, "result authorised");
});

test("when time is up nothing is authorised and nothing personal stays", () => {
  const device = new Device().show(pageShow()).after(119_999);
  assert.equal(device.kind, "ask");
  device.after(1);
  assert.equal(device.kind, "result expired");
  assert.equal(device.answer().outcome.outcome, "timeout");
  assert.ok(device.state.page.kind === "result" && device.state.page.agreed.length + device.state.page.declined.length === 0);
  assert.equal(device.after(STAY.result).kind, "idle");
});

test("a page that was open when the tablet fell asleep is gone when it wakes", () => {
  const device = Device.reading().asleep(8 * 3_600_000);
  assert.equal(device.kind, "result expired");
});

test("more time is asked of the box, and given by it", () => {
  const device = new Device().show(pageShow()).after(100_000).on({ type: "more-time" });
  assert.deepEqual(device.effects, [{ do: "ack", cmd: pageShow().id, gen: 78, status: "extend" }]);
  assert.deepEqual(device.on({ type: "more-time" }).effects, []);
  const extend = { id: ID(3), kind: "extend", cmd: pageShow().id, ttlMs: 60_000, left: 0 } as const;
  device.on({ type: "control", control: extend }).after(59_999);
  assert.equal(device.kind, "ask");
  assert.deepEqual(device.on({ type: "more-time" }).effects, []);
  assert.equal(device.on({ type: "control", control: extend }).after(1).kind, "result expired");
});

test("when the box does not answer, more time can be asked for again", () => {
  const device = new Device().show(pageShow()).on({ type: "more-time" }).after(STAY.askAgain);
  assert.equal(device.on({ type: "more-time" }).effects.length, 1);
});

test("a page of a lower or equal generation is not shown, the same command is acknowledged again", () => {
  const device = new Device().show(pageShow());
  assert.deepEqual(device.did("ack"), [{ do: "ack", cmd: pageShow().id, gen: 78, status: "received" }]);
  device.after(60_000).show(pageShow());
  assert.deepEqual(device.did("ack"), [{ do: "ack", cmd: pageShow().id, gen: 78, status: "shown", digest: fixture.digest }]);
  assert.equal(device.after(60_000).kind, "result expired");
  for (const gen of [77, 78]) {
    device.show(pageShow({ id: ID(5), gen }));
    assert.deepEqual(device.effects, [{ do: "ack", cmd: ID(5), gen, status: "rejected", reason: "generation" }]);
  }
});

test("a page issued under an earlier binding is not shown", () => {
  const device = new Device().show(pageShow({ bind_epoch: 3 }));
  assert.deepEqual(device.effects, [{ do: "ack", cmd: pageShow().id, gen: 78, status: "rejected", reason: "bind-epoch" }]);
  assert.equal(device.kind, "idle");
});

test("a cancelled page leaves the glass at once and takes no answer", () => {
  const device = Device.reading();
  assert.equal(device.show(other("idle", IDLE, 6, 79)).kind, "idle");
  device.on({ type: "agree" });
  assert.deepEqual(device.did("answer"), []);
});

test("a cancellation that crosses the answer waits for the word of the box", () => {
  const device = Device.reading().on({ type: "agree" }).show(other("idle", IDLE, 6, 79));
  assert.equal(device.kind, "sending");
  device.on({ type: "receipt", receipt: { answer: ID(9), cmd: pageShow().id, result: "stale" }, outcome: null });
  assert.equal(device.kind, "result not-recorded");
  assert.equal(device.after(STAY.result - 1).kind, "result not-recorded");
  assert.equal(device.after(1).kind, "idle");
});

test("a result stays its time, whatever the box says of idling", () => {
  const idle = other("idle", { ...IDLE, notice: "明日停电" }, 6, 79);
  const device = Device.reading().on({ type: "agree" });
  device.on({ type: "receipt", receipt: { answer: ID(9), cmd: pageShow().id, result: "accepted" }, outcome: null });
  device.after(500).show(idle);
  assert.equal(device.kind, "result authorised");
  assert.deepEqual(device.did("ack"), [{ do: "ack", cmd: ID(6), gen: 79, status: "received" }]);
  assert.equal(device.after(STAY.result - 501).kind, "result authorised");
  assert.equal(device.after(1).kind, "idle");
  assert.deepEqual(device.effects, [{ do: "ack", cmd: ID(6), gen: 79, status: "shown", digest: idle.digest }]);
  assert.ok(device.state.page.kind === "idle" && device.state.page.data?.notice === "明日停电");

  const thanks = new Device().show(other("message", { level: "done", title: "感谢您的评价", text: "" }, 5, 78)).show(idle);
  assert.equal(thanks.after(STAY.message - 1).kind, "ask");
  assert.equal(thanks.after(1).kind, "idle");
});

test("what is on the glass gives way at once to the next question, and to the citizen", () => {
  const done = (): Device => {
    const device = Device.reading().on({ type: "agree" });
    device.on({ type: "receipt", receipt: { answer: ID(9), cmd: pageShow().id, result: "accepted" }, outcome: null });
    return device.show(other("idle", IDLE, 6, 79));
  };
  assert.equal(done().on({ type: "close" }).kind, "idle");
  assert.equal(done().show(other("paused", { notice: "" }, 7, 80)).kind, "paused");
  const next = done().show(other("rating", RATING, 7, 80));
  assert.equal(next.kind, "ask");
  assert.equal(next.after(STAY.result).kind, "ask", "the idle page that waited is forgotten");
});

test("a page is acknowledged as shown only after it was painted", () => {
  const device = new Device().show(pageShow());
  assert.ok(!device.effects.some((effect) => effect.do === "ack" && effect.status === "shown"));
  device.on({ type: "painted", cmd: pageShow().id });
  assert.deepEqual(device.effects, [{ do: "ack", cmd: pageShow().id, gen: 78, status: "shown", digest: fixture.digest }]);
  assert.deepEqual(device.on({ type: "painted", cmd: ID(5) }).effects, []);
});

test("after a reload an open page comes back, but not one that was answered", () => {
  const device = new Device();
  device.state = start({ gen: 78, cmd: pageShow().id, answered: [], config: CONFIG });
  assert.equal(device.show(pageShow()).kind, "ask");
  device.state = start({ gen: 78, cmd: pageShow().id, answered: [pageShow().id], config: CONFIG });
  assert.equal(device.show(pageShow()).kind, "idle");
  const waiting: Outcome = { outcome: "confirmed", detail: { refused_rows: ["m1"] } };
  assert.equal(device.show(pageShow(), waiting).kind, "sending");
  assert.equal(device.did("resend").length, 1);
  device.on({ type: "receipt", receipt: { answer: ID(9), cmd: pageShow().id, result: "duplicate" }, outcome: waiting });
  assert.equal(device.kind, "result authorised");
});

test("a poor grade wants a reason, chosen or written; a good one does not", () => {
  const device = new Device().show(other("rating", RATING, 6, 79)).on({ type: "send-rating" });
  assert.deepEqual(device.effects, []);
  device.on({ type: "grade", level: 2 }).on({ type: "send-rating" });
  assert.deepEqual(device.effects, []);
  device.on({ type: "reason", reason: "等候时间长" }).on({ type: "grade", level: 5 }).on({ type: "send-rating" });
  assert.deepEqual(device.answer().outcome, { outcome: "rated", detail: { level: 5, reasons: [], comment: "" } });
  const written = new Device().show(other("rating", RATING, 6, 79)).on({ type: "grade", level: 2 }).on({ type: "comment", comment: " 慢 " });
  assert.deepEqual(written.on({ type: "send-rating" }).answer().outcome, { outcome: "rated", detail: { level: 2, reasons: [], comment: "慢" } });
});

test("no rating is ever invented: skipping and walking away say so", () => {
  const skipped = new Device().show(other("rating", RATING, 6, 79)).on({ type: "close" });
  assert.equal(skipped.answer().outcome.outcome, "dismissed");
  assert.equal(skipped.kind, "idle");
  const left = new Device().show(other("rating", RATING, 6, 79)).after(120_000);
  assert.equal(left.answer().outcome.outcome, "timeout");
  assert.equal(left.kind, "idle");
});

test("a code for the phone is closed by the citizen, by time or by the box, and is never agreed to", () => {
  const CODE = other("challenge", challengeFixture.data, 5, 78);
  const device = new Device().show(CODE).on({ type: "agree" }).on({ type: "decline" }).on({ type: "more-time" });
  assert.equal(device.kind, "ask");
  assert.deepEqual(device.effects, []);
  assert.equal(device.on({ type: "close" }).answer().outcome.outcome, "dismissed");
  assert.equal(device.kind, "idle");
  const left = new Device().show(CODE).after(CODE.ttlMs);
  assert.equal(left.answer().outcome.outcome, "timeout");
  assert.equal(left.kind, "result over");
  const taken = new Device().show(CODE).show(other("idle", IDLE, 6, 79));
  assert.equal(taken.kind, "idle");
  assert.deepEqual(taken.did("answer"), []);
});

test("a notice is confirmed only after it was read, and refused only where it can be", () => {
  const duty = other("notice", noticeFixture.data, 5, 78);
  const device = new Device().show(duty).on({ type: "agree" }).on({ type: "decline" }).on({ type: "close" });
  assert.equal(device.kind, "ask");
  device.on({ type: "seen-all" }).after(noticeFixture.data.min_view_ms - 1).on({ type: "agree" });
  assert.equal(device.kind, "ask");
  device.after(1).on({ type: "agree" });
  assert.deepEqual(device.answer().outcome, { outcome: "confirmed", detail: { refused_rows: [] } });
  device.on({ type: "receipt", receipt: { answer: ID(9), cmd: duty.id, result: "accepted" }, outcome: null });
  assert.equal(device.kind, "result noted");
  const delegate = other("notice", { ...noticeFixture.data, refuse_label: "不是我" }, 5, 78);
  assert.equal(new Device().show(delegate).on({ type: "decline" }).answer().outcome.outcome, "refused");
});

test("the will of an earlier start of the box says nothing about the present one", () => {
  const device = new Device().on({ type: "hall", hall: { online: true, boot: ID(2) } });
  assert.equal(device.on({ type: "hall", hall: { online: false, boot: ID(1) } }).state.hall?.online, true);
  assert.equal(device.on({ type: "hall", hall: { online: false, boot: ID(2) } }).state.hall?.online, false);
  device.on({ type: "hall", hall: { online: true, boot: ID(3) } });
  assert.deepEqual(device.effects, [{ do: "birth" }]);
});

test("a device that is bound elsewhere drops the page of the former window", () => {
  const device = Device.reading().on({ type: "config", config: { ...CONFIG, ver: 2, bindEpoch: 5 } });
  assert.equal(device.kind, "idle");
  const older = device.on({ type: "config", config: CONFIG });
  assert.equal(older.state.config?.bindEpoch, 5);
  assert.equal(Device.reading().on({ type: "config", config: { ...CONFIG, ver: 2, window: null } }).kind, "idle");
});

test("what the citizen chose for reading holds for the case and ends with it", () => {
  const device = new Device().show(pageShow()).on({ type: "preference", change: { large: true } });
  device.show(other("idle", IDLE, 6, 79));
  assert.equal(device.state.preferences.large, false);
  device.show(other("rating", RATING, 7, 80));
  assert.equal(device.state.preferences.large, true);
  device.show(other("idle", IDLE, 8, 81)).show(other("rating", { ...RATING, case_no: "another" }, 9, 82));
  assert.equal(device.state.preferences.large, false);
});

test("a control message is carried out once", () => {
  const device = new Device().on({ type: "control", control: { id: ID(3), kind: "reload" } });
  assert.deepEqual(device.effects, [{ do: "reload" }]);
  assert.deepEqual(device.on({ type: "control", control: { id: ID(3), kind: "reload" } }).effects, []);
  assert.deepEqual(device.on({ type: "control", control: { id: ID(4), kind: "unpair" } }).effects, [{ do: "unpair" }]);
});
