// Answers on their way: number on disk, signed, on disk, sent; sent again, oldest first, until the box says what became of them.

import { ANSWER_TYPE, sign, type Signer } from "./jws";
import { rfc3339 } from "./clock";
import type { Outcome } from "./machine";
import type { Receipt, Show } from "./messages";
import type { Identity, WaitingAnswer } from "./store";
import { ulid } from "./ulid";

export type Decision = { show: Show; outcome: Outcome; shownMs: number; touches: number };
type Waiting = { id: string; cmd: string; outcome: Outcome; jws: object };
type Kept = { outcome: Outcome; jws: object };

/** The part of the store that answers need. */
export type AnswerStore = {
  next(series: "counter"): Promise<number>;
  keepAnswer(answer: WaitingAnswer): Promise<void>;
  waiting(now: number): Promise<WaitingAnswer[]>;
  dropAnswer(id: string): Promise<void>;
};

export const BACK_OFF_MS = { first: 1_000, most: 30_000 };

export class Outbox {
  private readonly answers: Waiting[] = [];
  private wait = BACK_OFF_MS.first;
  private due = 0;
  private chain: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: AnswerStore,
    private readonly signer: Signer,
    private readonly identity: Identity,
    private readonly boot: string,
    private readonly send: (jws: object) => void,
  ) {}

  async load(): Promise<void> {
    for (const { id, cmd, body } of await this.store.waiting(Date.now())) {
      this.answers.push({ id, cmd, ...(JSON.parse(body) as Kept) });
    }
  }

  get size(): number {
    return this.answers.length;
  }

  outcomeFor(cmd: string): Outcome | null {
    return this.answers.find((answer) => answer.cmd === cmd)?.outcome ?? null;
  }

  /** Signs, keeps and sends. Decisions are taken one after the other, so that numbers go out in order. */
  answer(decision: Decision): Promise<string> {
    const next = this.chain.then(() => this.take(decision));
    this.chain = next.catch(() => undefined);
    return next;
  }

  private async take({ show, outcome, shownMs, touches }: Decision): Promise<string> {
    const counter = await this.store.next("counter");
    const now = Date.now();
    const id = ulid(now);
    const payload = {
      v: 1,
      id,
      dev: this.identity.device,
      cmd: show.id,
      gen: show.gen,
      bind_epoch: show.bindEpoch,
      page: show.page,
      digest: show.digest,
      ...outcome,
      counter,
      boot: this.boot,
      dev_time: rfc3339(now),
      shown_ms: shownMs,
      touches,
      sw: __VERSION__,
    };
    const jws = await sign(this.signer, `${this.identity.device}#${this.identity.keyGen}`, ANSWER_TYPE, payload);
    await this.store.keepAnswer({ id, cmd: show.id, counter, at: now, body: JSON.stringify({ outcome, jws } satisfies Kept) });
    this.answers.push({ id, cmd: show.id, outcome, jws });
    this.wait = BACK_OFF_MS.first;
    this.due = performance.now() + this.wait;
    this.send(jws);
    return id;
  }

  /** What the citizen had decided, for a receipt; the answer is not sent again. */
  receipt(receipt: Receipt): Outcome | null {
    const at = this.answers.findIndex((answer) => answer.id === receipt.answer);
    const [answer] = at < 0 ? [] : this.answers.splice(at, 1);
    if (answer) {
      this.wait = BACK_OFF_MS.first;
      void this.store.dropAnswer(answer.id).catch(() => undefined);
    }
    return answer?.outcome ?? null;
  }

  /** All that wait, oldest first: after each connection, and whenever the box shows that it has not heard. */
  resend(): void {
    this.due = performance.now() + this.wait;
    this.answers.forEach((answer) => this.send(answer.jws));
  }

  /** Called every second. */
  watch(): void {
    if (this.answers.length > 0 && performance.now() >= this.due) {
      this.wait = Math.min(this.wait * 2, BACK_OFF_MS.most);
      this.resend();
    }
  }
}
