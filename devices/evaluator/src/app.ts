// The shell around the machine: turns what arrives and what is touched into events, and carries effects out.

import { Clock, rfc3339 } from "./clock";
import { digestOf, type Json } from "./jcs";
import { signerOf } from "./keys";
import { HallLink } from "./link";
import { start, step, type Effect, type Event, type State } from "./machine";
import { PAGES, readConfig, readControl, readHallState, readPage, readReceipt, readShow } from "./messages";
import { Outbox } from "./outbox";
import type { DeviceKeys, Identity, Store } from "./store";
import { ulid } from "./ulid";

export type Glass = { paint: (state: State, clock: Clock, send: (event: Event) => void) => void };

export class App {
  private state!: State;
  private readonly clock = new Clock(() => performance.now(), () => Date.now());
  private readonly boot = ulid(Date.now());
  private readonly link: HallLink;
  private readonly outbox: Outbox;
  private bseq = 0;
  private beatAt = 0;
  private lastTick = Date.now();
  private painting = "";
  private inbox: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    keys: DeviceKeys,
    identity: Identity,
    private readonly glass: Glass,
  ) {
    this.link = new HallLink(identity, () => store.next("bseq"), {
      state: (link) => this.send({ type: "link", link }),
      ready: (bseq) => void this.born(bseq),
      message: (topic, payload) => {
        // One after the other: a digest takes a moment, and order matters.
        this.inbox = this.inbox.then(() => this.hear(topic, payload)).catch(() => this.log("warn", "message-failed"));
      },
    });
    this.outbox = new Outbox(store, signerOf(keys), identity, this.boot, (jws) =>
      this.link.publish(this.link.up("answer"), jws, { qos: 1 }),
    );
  }

  async run(): Promise<void> {
    this.state = start(await this.store.remembered());
    await this.outbox.load();
    this.link.start();
    setInterval(() => this.tick(), 500);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        this.woken();
      }
    });
    window.addEventListener("online", () => this.link.reconnectNow());
    document.addEventListener("pointerdown", () => this.send({ type: "touch" }), { passive: true });
    this.paint();
  }

  private send(event: Event): void {
    const { state, effects } = step(this.state, event, this.clock.now());
    this.state = state;
    effects.forEach((effect) => this.carryOut(effect));
    this.paint();
  }

  private paint(): void {
    this.glass.paint(this.state, this.clock, (event) => this.send(event));
    const page = this.state.page;
    const cmd = page.kind === "ask" ? page.show.id : "";
    if (cmd !== this.painting) {
      this.painting = cmd;
      if (cmd) {
        // Two frames later it is really on the glass. A hidden page gets no frames, and says nothing.
        requestAnimationFrame(() => requestAnimationFrame(() => this.send({ type: "painted", cmd })));
      }
    }
  }

  private tick(): void {
    const now = Date.now();
    const slept = now - this.lastTick > 5_000;
    this.lastTick = now;
    if (slept) {
      this.woken();
    }
    this.send({ type: "tick" });
    this.link.watch();
    this.outbox.watch();
    const every = (this.state.config?.hbS ?? 15) * 1_000;
    if (performance.now() - this.beatAt >= every) {
      this.beatAt = performance.now();
      const beat = { v: 1, bseq: this.bseq, gen: this.state.gen, up_s: Math.floor(performance.now() / 1_000), t0: rfc3339(now), q: this.outbox.size };
      this.link.publish(this.link.up("hb"), beat, { qos: 0 });
    }
  }

  private woken(): void {
    this.send({ type: "tick" });
    if (this.state.link !== "connecting") {
      this.link.reconnectNow();
    }
  }

  private async born(bseq: number): Promise<void> {
    this.bseq = bseq;
    const { page, gen, config } = this.state;
    const webview = /Chrom(?:e|ium)\/(\d+)/.exec(navigator.userAgent)?.[1];
    const birth = {
      v: 1,
      state: "ready",
      bseq,
      boot: this.boot,
      proto: [1],
      sw: __VERSION__,
      bind_epoch: config?.bindEpoch ?? 0,
      last_counter: await this.store.counter(),
      evaluator: {
        pages: PAGES,
        screen: [Math.round(window.innerWidth), Math.round(window.innerHeight)],
        ...(webview ? { webview: Number(webview) } : {}),
        gen,
        ...(page.kind === "ask" || page.kind === "sending" ? { cmd: page.show.id } : {}),
      },
    };
    this.link.publish(this.link.up("state"), birth, { qos: 1, retain: true });
    this.outbox.resend();
  }

  private async hear(topic: string, payload: string): Promise<void> {
    const value = parse(payload);
    const part = topic.split("/").slice(-2).join("/");
    switch (part) {
      case "hall/state": {
        const hall = readHallState(value);
        return hall ? this.send({ type: "hall", hall }) : this.log("warn", "hall-state-malformed");
      }
      case "down/config": {
        const config = readConfig(value);
        return config ? this.send({ type: "config", config }) : this.log("warn", "config-malformed");
      }
      case "down/receipt": {
        const receipt = readReceipt(value);
        return receipt
          ? this.send({ type: "receipt", receipt, outcome: this.outbox.receipt(receipt) })
          : this.log("warn", "receipt-malformed");
      }
      case "down/ctl": {
        const control = readControl(value);
        return control ? this.send({ type: "control", control }) : this.log("warn", "ctl-malformed");
      }
      case "down/show":
        return this.hearShow(value);
      default:
        return undefined;
    }
  }

  private async hearShow(value: unknown): Promise<void> {
    const head = readShow(value);
    if (!head) {
      return this.log("warn", "show-malformed");
    }
    const reject = (reason: string): void =>
      this.link.publish(this.link.up("ack"), { v: 1, cmd: head.id, gen: head.gen, status: "rejected", reason, at: rfc3339(Date.now()) }, { qos: 1 });
    const digest = await digestOf(head.data as Json).catch(() => null);
    if (digest !== head.digest) {
      return reject("digest");
    }
    const show = readPage(head);
    if (typeof show === "string") {
      return reject(show);
    }
    this.send({ type: "show", show, waiting: this.outbox.outcomeFor(show.id) });
  }

  private carryOut(effect: Effect): void {
    switch (effect.do) {
      case "ack": {
        const { do: _, ...ack } = effect;
        return this.link.publish(this.link.up("ack"), { v: 1, ...ack, at: rfc3339(Date.now()) }, { qos: 1 });
      }
      case "answer":
        this.outbox.answer(effect).then(
          (answer) => this.send({ type: "kept", cmd: effect.show.id, answer }),
          () => this.log("error", "answer-not-kept"),
        );
        return undefined;
      case "resend":
        return this.outbox.resend();
      case "birth":
        return this.bseq > 0 ? void this.born(this.bseq) : undefined;
      case "remember": {
        const { gen, cmd, answered, config } = this.state;
        void this.store.putRemembered({ gen, cmd, answered, config }).catch(() => this.log("error", "store-failed"));
        return undefined;
      }
      case "reload":
        return location.reload();
      case "unpair":
        this.link.stop();
        void this.store.forget().then(() => location.reload());
        return undefined;
    }
  }

  private log(level: "error" | "warn", code: string): void {
    this.link.publish(this.link.up("log"), { v: 1, level, code }, { qos: 0 });
  }
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return null;
  }
}
