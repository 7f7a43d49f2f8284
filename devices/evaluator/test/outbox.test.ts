import assert from "node:assert/strict";
import { test } from "node:test";
import fixture from "../../bus/fixtures/show-authorize.json";
import { Clock, rfc3339 } from "../src/clock";
import { makeKeys, signerOf } from "../src/keys";
import { readPage, readShow, type Show } from "../src/messages";
import { Outbox, type AnswerStore, type Decision } from "../src/outbox";
import type { WaitingAnswer } from "../src/store";
import { ulid } from "../src/ulid";

(globalThis as { __VERSION__?: string }).__VERSION__ = "0.0.0-test";

/** Keeps what a real store keeps, and writes down the order of things. */
class Memory implements AnswerStore {
  counter = 0;
  answers: WaitingAnswer[] = [];
  constructor(readonly order: string[]) {}
  next(): Promise<number> {
    this.counter += 1;
    this.order.push(`counter ${this.counter}`);
    return Promise.resolve(this.counter);
  }
  keepAnswer(answer: WaitingAnswer): Promise<void> {
    this.order.push(`kept ${answer.counter}`);
    this.answers.push(answer);
    return Promise.resolve();
  }
  waiting(): Promise<WaitingAnswer[]> {
    return Promise.resolve([...this.answers]);
  }
  dropAnswer(id: string): Promise<void> {
    this.answers = this.answers.filter((answer) => answer.id !== id);
    return Promise.resolve();
  }
}

function decision(): Decision {
  const head = readShow(fixture);
  assert.ok(head);
  return { show: readPage(head) as Show, outcome: { outcome: "refused", detail: {} }, shownMs: 5, touches: 1 };
}

function payloadOf(jws: object): Record<string, unknown> {
  return JSON.parse(Buffer.from((jws as { payload: string }).payload, "base64url").toString()) as Record<string, unknown>;
}

async function outboxOver(store: Memory, order: string[], sent: object[]): Promise<Outbox> {
  const identity = { device: "ev-01arz3ndektsv4rrffq69g5fav", keyGen: 2, secret: "s" };
  const outbox = new Outbox(store, signerOf(await makeKeys()), identity, ulid(1), (jws) => {
    order.push(`sent ${String(payloadOf(jws)["counter"])}`);
    sent.push(jws);
  });
  await outbox.load();
  return outbox;
}

test("number and answer are on disk before anything is sent, and decisions go out in order", async () => {
  const order: string[] = [];
  const outbox = await outboxOver(new Memory(order), order, []);
  await Promise.all([outbox.answer(decision()), outbox.answer(decision())]);
  assert.deepEqual(order, ["counter 1", "kept 1", "sent 1", "counter 2", "kept 2", "sent 2"]);
});

test("an answer names what was shown and is sent again with the same bytes, across a restart, until its receipt", async () => {
  const sent: object[] = [];
  const store = new Memory([]);
  const before = await outboxOver(store, [], sent);
  const id = await before.answer(decision());
  const payload = payloadOf(sent[0] as object);
  assert.equal(payload["digest"], fixture.digest);
  assert.deepEqual([payload["cmd"], payload["gen"], payload["bind_epoch"], payload["page"]], [fixture.id, 78, 4, "authorize"]);
  const after = await outboxOver(store, [], sent);
  after.resend();
  assert.deepEqual(sent[1], sent[0]);
  assert.equal(after.outcomeFor(fixture.id)?.outcome, "refused");
  assert.equal(after.receipt({ answer: ulid(9), cmd: fixture.id, result: "accepted" }), null);
  assert.equal(after.receipt({ answer: id, cmd: fixture.id, result: "duplicate" })?.outcome, "refused");
  assert.equal(after.size + store.answers.length, 0);
});

test("the clock counts sleep apart from running, and never goes back", () => {
  let [ran, wall] = [0, 1_000];
  const clock = new Clock(() => ran, () => wall);
  ran = 100;
  wall = 1_100;
  assert.deepEqual(clock.now(), { ran: 100, passed: 100 });
  wall = 9_000_000;
  assert.deepEqual(clock.now(), { ran: 100, passed: 100 + 8_998_900 });
  wall = 0;
  ran = 150;
  assert.deepEqual(clock.now(), { ran: 150, passed: 150 + 8_998_900 });
  assert.equal(rfc3339(1_795_224_600_120), "2026-11-21T09:30:00.120+08:00");
});
