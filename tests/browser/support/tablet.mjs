// An evaluator by somebody else: the protocol of docs/protocol/devices.md with a stock MQTT client and Node's own
// cryptography. It can do what the page of the box never would.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { request } from "node:https";
import mqtt from "mqtt";
import { PATIENCE } from "./browser.mjs";
import { until } from "./hall.mjs";

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

function jws(key, kid, typ, payload) {
  const head = base64url(JSON.stringify({ alg: "EdDSA", kid, typ }));
  const body = base64url(JSON.stringify(payload));
  return { protected: head, payload: body, signature: base64url(sign(null, Buffer.from(`${head}.${body}`), key)) };
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
function ulid() {
  let value = (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let text = "";
  for (let at = 0; at < 26; at += 1) {
    text = CROCKFORD[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}

export class Tablet {
  /** Paired by a technician, connected and subscribed: an evaluator, or a `card-reader`. */
  static async at(hall, window, kind = "evaluator") {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const { x } = publicKey.export({ format: "jwk" });
    const print = sha256(JSON.stringify({ crv: "Ed25519", kty: "OKP", x })).toString("hex");
    const tablet = new Tablet(hall, privateKey, kind);
    const begin = { v: 1, kind, pub: { alg: "EdDSA", x }, model: "stranger", serial: "", sw: "1", nonce: base64url(randomBytes(18)) };
    const begun = await tablet.https("POST", "/pair/v1/begin", {}, jws(privateKey, `sha-256:${print}`, "hw-pair+1", begin));
    await hall.pair(begun.code, window);
    const bound = await until("the grant", async () => {
      const progress = await tablet.https("GET", `/pair/v1/${begun.pair}`, { authorization: `Bearer ${begun.poll}` });
      return progress.status === "bound" && progress;
    });
    tablet.device = bound.device;
    tablet.secret = bound.mqtt.secret;
    await tablet.connect();
    return tablet;
  }

  constructor(hall, key, kind = "evaluator") {
    this.hall = hall;
    this.key = key;
    this.kind = kind;
    this.boot = ulid();
    this.counter = 0;
    this.bseq = 0;
    this.heard = [];
  }

  https(method, path, headers, body) {
    const url = new URL(path, this.hall.at.box.url);
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, rejectUnauthorized: false, headers: { ...headers, "content-type": "application/json" } }, (answer) => {
        let got = "";
        answer.setEncoding("utf8").on("data", (part) => (got += part));
        answer.on("end", () => (answer.statusCode === 200 ? resolve(JSON.parse(got)) : reject(new Error(`${answer.statusCode} ${got}`))));
      });
      sent.on("error", reject);
      sent.end(body && JSON.stringify(body));
    });
  }

  async connect({ username = this.device, password = this.secret, clientId = this.device } = {}) {
    this.bseq += 1;
    this.client = await mqtt.connectAsync(`${this.hall.at.box.url.replace("https", "wss")}/mqtt`, {
      protocolVersion: 5,
      clientId,
      username,
      password,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: PATIENCE,
      rejectUnauthorized: false,
    });
    this.client.on("message", (topic, payload) => this.heard.push({ part: topic.split("/").slice(-2).join("/"), topic, message: JSON.parse(payload) }));
    await this.client.subscribeAsync([`hw/1/d/${this.device}/down/#`, "hw/1/hall/state"], { qos: 1 });
    await this.born();
  }

  /** Its birth; `gen` is the newest page that it has shown. */
  born(gen = 0) {
    const about = this.kind === "evaluator"
      ? { evaluator: { pages: ["idle", "authorize", "rating", "message"], screen: [1280, 800], gen } }
      : { reader: { kind: "virtual", port: "/dev/stranger", state: "ready" } };
    const birth = { v: 1, state: "ready", bseq: this.bseq, boot: this.boot, proto: [1], sw: "1", bind_epoch: 1, last_counter: this.counter, ...about };
    return this.publish("state", birth, { retain: true });
  }

  publish(part, message, options = {}) {
    return this.client.publishAsync(`hw/1/d/${this.device}/up/${part}`, JSON.stringify(message), { qos: 1, ...options });
  }

  /** The newest page of a kind that the box has sent. */
  async page(kind) {
    return until(`a page ${kind}`, () => this.heard.map(({ part, message }) => part === "down/show" && message).filter((show) => show && show.page === kind).at(-1));
  }

  /** The newest message that the box has sent on one of the topics. */
  heardLast(part) {
    return until(`a message ${part}`, () => this.heard.filter((one) => one.part === part).at(-1)?.message);
  }

  ack(command, word) {
    return this.publish("ack", { v: 1, cmd: command.id, ...(command.gen === undefined ? {} : { gen: command.gen }), ...word, at: new Date().toISOString() });
  }

  /** Says that a page is on the glass. */
  shown(show) {
    return this.ack(show, { status: "shown", digest: show.digest });
  }

  /** A signed answer; `change` alters what is signed. */
  answer(show, outcome, change = {}) {
    this.counter += 1;
    const payload = {
      v: 1, id: ulid(), dev: this.device, cmd: show.id, gen: show.gen, bind_epoch: show.bind_epoch, page: show.page, digest: show.digest, ...outcome,
      counter: this.counter, boot: this.boot, dev_time: new Date().toISOString(), shown_ms: 3_000, touches: 1, sw: "1", ...change,
    };
    return this.signed(payload);
  }

  /** A signed answer to a read. */
  readAnswer(read, outcome) {
    this.counter += 1;
    return this.signed({
      v: 1, id: ulid(), dev: this.device, cmd: read.id, bind_epoch: read.bind_epoch, case: read.case, ...outcome,
      source: "virtual", counter: this.counter, boot: this.boot, dev_time: new Date().toISOString(),
    });
  }

  signed(payload, key = this.key) {
    return { id: payload.id, jws: jws(key, `${this.device}#1`, "hw-answer+1", payload) };
  }

  /** Sends an answer and waits for its receipt; `nth` counts receipts of the same answer. */
  async send({ id, jws: signed }, nth = 1) {
    await this.publish("answer", signed);
    return until(`receipt ${nth} of an answer`, () => {
      const receipts = this.heard.filter(({ part, message }) => part === "down/receipt" && message.answer === id);
      return receipts[nth - 1]?.message;
    });
  }

  async stop() {
    await this.client?.endAsync(true);
  }
}
