// The connection to the box: MQTT 5 over the host that the page came from. Every connection is a new session with its own number;
// nothing is left to the broker's memory. Comes back by itself from everything: broker or box restarted, a night asleep, a socket
// that died without a word.

import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Link } from "./machine";
import type { Identity } from "./store";

export type LinkEvents = {
  state: (link: Link) => void;
  /** Subscribed: `bseq` is the number of this connection. */
  ready: (bseq: number) => void;
  message: (topic: string, payload: string) => void;
};

const KEEPALIVE_S = 20;
const SILENT_MS = 1.75 * KEEPALIVE_S * 1_000;
const CONNECT_MS = 8_000;
const BACK_OFF_MS = { first: 250, most: 10_000, refused: 30_000 };
/** CONNACK: bad user name or password, not authorised, banned. */
const REFUSED = [0x86, 0x87, 0x8a];

export class HallLink {
  private client: MqttClient | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = BACK_OFF_MS.first;
  private heardAt = 0;
  private ready = false;
  private stopped = false;
  private attempt = 0;

  constructor(
    private readonly identity: Identity,
    private readonly nextBseq: () => Promise<number>,
    private readonly events: LinkEvents,
  ) {}

  up(part: string): string {
    return `hw/1/d/${this.identity.device}/up/${part}`;
  }

  start(): void {
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.drop();
  }

  publish(topic: string, message: object, options: { qos: 0 | 1; retain?: boolean }): void {
    if (this.ready && this.client?.connected) {
      this.client.publish(topic, JSON.stringify(message), options, () => undefined);
    }
  }

  /** After sleep, or when the browser says that the network is back: no waiting, and no trust in the old socket. */
  reconnectNow(): void {
    if (!this.stopped) {
      this.wait = BACK_OFF_MS.first;
      this.drop();
      this.events.state("down");
      this.schedule(0);
    }
  }

  /** Called every second: drops a connection on which nothing has been heard for too long. */
  watch(): void {
    if (this.client && this.ready && performance.now() - this.heardAt > SILENT_MS) {
      this.reconnectNow();
    }
  }

  private async connect(): Promise<void> {
    if (this.stopped) {
      return;
    }
    const attempt = (this.attempt += 1);
    const bseq = await this.nextBseq().catch(() => null);
    if (bseq === null) {
      this.schedule(BACK_OFF_MS.most);
      return;
    }
    if (this.stopped || attempt !== this.attempt) {
      return;
    }
    const client = mqtt.connect(`wss://${location.host}/mqtt`, this.options(bseq));
    this.client = client;
    this.heardAt = performance.now();
    const mine = (): boolean => this.client === client;
    client.on("packetreceive", (packet) => {
      this.heardAt = performance.now();
      if (mine() && packet.cmd === "connack" && REFUSED.includes(packet.reasonCode ?? 0)) {
        this.wait = BACK_OFF_MS.refused;
        this.events.state("refused");
      }
    });
    client.on("connect", () => {
      if (mine()) {
        this.subscribe(client, bseq);
      }
    });
    client.on("message", (topic, payload) => {
      if (mine()) {
        this.events.message(topic, new TextDecoder().decode(payload));
      }
    });
    client.on("error", () => this.lost(client));
    client.on("close", () => this.lost(client));
  }

  private subscribe(client: MqttClient, bseq: number): void {
    const filters = [`hw/1/d/${this.identity.device}/down/#`, "hw/1/hall/state"];
    client.subscribe(filters, { qos: 1 }, (error, granted) => {
      if (this.client !== client) {
        return;
      }
      if (error || !granted || granted.some((grant) => grant.qos > 2)) {
        this.lost(client);
        return;
      }
      this.ready = true;
      this.wait = BACK_OFF_MS.first;
      this.events.state("up");
      this.events.ready(bseq);
    });
  }

  private options(bseq: number): IClientOptions {
    return {
      protocolVersion: 5,
      clientId: this.identity.device,
      username: this.identity.device,
      password: this.identity.secret,
      clean: true,
      keepalive: KEEPALIVE_S,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_MS,
      resubscribe: false,
      queueQoSZero: false,
      timerVariant: "native",
      properties: { sessionExpiryInterval: 10, maximumPacketSize: 131_072 },
      will: {
        topic: this.up("state"),
        payload: JSON.stringify({ v: 1, state: "lost", bseq }) as never,
        qos: 1,
        retain: true,
        properties: { willDelayInterval: 5 },
      },
    };
  }

  private lost(client: MqttClient): void {
    if (this.client !== client) {
      return;
    }
    this.drop();
    if (this.wait < BACK_OFF_MS.refused) {
      this.events.state("down");
    }
    this.schedule(this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, Math.max(BACK_OFF_MS.most, this.wait));
  }

  private drop(): void {
    const client = this.client;
    this.client = null;
    this.ready = false;
    this.attempt += 1;
    if (client) {
      client.on("error", () => undefined);
      client.end(true);
    }
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) {
      this.timer = setTimeout(() => void this.connect(), ms);
    }
  }
}
