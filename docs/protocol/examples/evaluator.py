#!/usr/bin/env python3
"""An evaluator (评价器) from docs/protocol alone, with a stock MQTT client: evaluator.py https://box:8443 ca.pem folder

Needs Python 3.9, paho-mqtt 2, cryptography 40. It prints the code to pair with, agrees to everything, gives the best grade, and keeps in folder
what has to survive. A real one paints and asks; this one prints which page it would paint, never whose. Sections are those of devices.md."""
import base64, hashlib, json, os, re, secrets, ssl, sys, time, urllib.parse, urllib.request
from datetime import datetime, timezone
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt import client as mqtt, packettypes, properties
PAGES = ["idle", "authorize", "challenge", "notice", "message", "rating", "paused"]

def base64url(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
def now(): return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
def text(value): return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
def ulid():
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[value >> at & 31] for at in range(125, -1, -5))
def canonical(value):  # RFC 8785; all numbers of the protocol are whole
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{text(name)}:{canonical(value[name])}" for name in sorted(value, key=lambda name: name.encode("utf-16-be")))
    return "[%s]" % ",".join(map(canonical, value)) if isinstance(value, list) else text(value)
def digest(data): return "sha-256:" + hashlib.sha256(canonical(data).encode()).hexdigest()

class Evaluator:
    def __init__(self, box, ca, folder):
        self.box, self.tls, self.file = box, ssl.create_default_context(cafile=ca), os.path.join(folder, "state.json")
        self.boot, self.started, self.hall_boot, self.client, self.done = ulid(), time.monotonic(), None, None, []
        self.page, self.since, self.deadline = None, 0, 0  # what is on the glass, since when, until when
        self.wait, self.due, self.beat = 1, 0, 0  # pause before answers are sent again, when that is due, when the heart beat last
        self.state = json.load(open(self.file)) if os.path.exists(self.file) else {
            "key": secrets.token_hex(32), "identity": None, "bseq": 0, "counter": 0, "gen": 0, "cmd": None, "config": {}, "waiting": [], "answered": []}
    def save(self):  # on disk before anything that depends on it is said
        with open(os.open(self.file + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.state, file), file.flush(), os.fsync(file.fileno())
        os.replace(self.file + ".new", self.file)
    def key(self): return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.state["key"]))
    # Sections 3 and 4: pairing, signed messages
    def sign(self, kid, typ, payload):
        head, body = (base64url(text(part).encode()) for part in ({"alg": "EdDSA", "kid": kid, "typ": typ}, payload))
        return {"protected": head, "payload": body, "signature": base64url(self.key().sign(f"{head}.{body}".encode()))}
    def https(self, path, body=None, **headers):
        request = urllib.request.Request(self.box + path, text(body).encode() if body else None, {"content-type": "application/json", **headers})
        return json.load(urllib.request.urlopen(request, context=self.tls, timeout=10))
    def pair(self):
        x = base64url(self.key().public_key().public_bytes_raw())
        thumb = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).hexdigest()
        begin = {"v": 1, "kind": "evaluator", "pub": {"alg": "EdDSA", "x": x}, "model": "example", "sw": "1", "nonce": secrets.token_urlsafe(18)}
        begun = progress = self.https("/pair/v1/begin", self.sign(f"sha-256:{thumb}", "hw-pair+1", begin))
        print(f"code {begun['code']} fingerprint {thumb[:4].upper()}-{thumb[4:8].upper()}", flush=True)
        while progress.get("status") != "bound":
            time.sleep(begun["interval"])
            progress = self.https(f"/pair/v1/{begun['pair']}", authorization=f"Bearer {begun['poll']}")
        self.state["identity"] = {"device": progress["device"], "key_gen": progress["key_gen"], "secret": progress["mqtt"]["secret"]}
    # Sections 1 and 5: connection, birth, acknowledgements
    def connect(self):
        me, self.state["bseq"] = self.state["identity"], self.state["bseq"] + 1
        self.save()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=me["device"], transport="websockets", protocol=mqtt.MQTTv5)
        client.tls_set_context(self.tls), client.ws_set_options(path="/mqtt"), client.username_pw_set(me["device"], me["secret"])
        session, will = (properties.Properties(kind) for kind in (packettypes.PacketTypes.CONNECT, packettypes.PacketTypes.WILLMESSAGE))
        session.SessionExpiryInterval, session.MaximumPacketSize, will.WillDelayInterval = 10, 131072, 5
        client.will_set(self.up("state"), text({"v": 1, "state": "lost", "bseq": self.state["bseq"]}), 1, True, will)
        topics = [(f"hw/1/d/{me['device']}/down/#", 1), ("hw/1/hall/state", 1)]
        client.on_connect = lambda _client, _data, _flags, code, _more: self.pause(30) if code.is_failure else client.subscribe(topics)
        client.on_subscribe = lambda *_: (setattr(self, "client", client), self.birth(), self.resend())
        client.on_message = lambda _client, _data, message: self.hear(message.topic.rsplit("/", 1)[1], message.payload)
        box = urllib.parse.urlsplit(self.box)
        client.connect(box.hostname, box.port or 443, keepalive=20, clean_start=True, properties=session)
        while client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS and self.state["identity"]: self.tick()
    def up(self, word): return f"hw/1/d/{self.state['identity']['device']}/up/{word}"
    def say(self, word, message, qos=1, retain=False): return self.client and self.client.publish(self.up(word), text(message), qos, retain)
    def birth(self):
        about = {"pages": PAGES, "screen": [1280, 800], "gen": self.state["gen"], **({"cmd": self.page["id"]} if self.page else {})}
        self.say("state", {"v": 1, "state": "ready", "bseq": self.state["bseq"], "boot": self.boot, "proto": [1], "sw": "1", "evaluator": about,
                           "bind_epoch": self.state["config"].get("bind_epoch", 0), "last_counter": self.state["counter"]}, retain=True)
    def ack(self, show, status, **more):
        self.say("ack", {"v": 1, "cmd": show["id"], "gen": show["gen"], "status": status, "at": now(), **more})
    def hear(self, word, payload):
        heard = {"show": self.show, "receipt": self.receipt, "config": self.configure, "ctl": self.control, "state": self.hall}.get(word)
        try: heard and heard(json.loads(payload))
        except (ValueError, LookupError, TypeError): self.say("log", {"v": 1, "level": "warn", "code": f"{word}-malformed"}, qos=0)
    def hall(self, hall):
        if hall["online"] and self.hall_boot not in (None, hall["boot"]): self.birth()  # the box has started anew
        self.hall_boot = hall["boot"] if hall["online"] else self.hall_boot
    def configure(self, config):
        known = self.state["config"]
        if config["ver"] < known.get("ver", 0): return
        if "window" not in config or config["bind_epoch"] != known.get("bind_epoch"): self.page = None
        self.state.update(config=config), self.save()
    def control(self, control):
        again, self.done = control["id"] in self.done, [*self.done[-63:], control["id"]]
        if control["kind"] == "rebirth" and not again: self.birth()
        if control["kind"] == "unpair": self.state.update(key=secrets.token_hex(32), identity=None, config={}, waiting=[]), self.save()

    # Section 6: pages and answers
    def show(self, show):
        data, known = show["data"], show["id"] == self.state["cmd"]
        if show["page"] not in PAGES: return self.ack(show, "rejected", reason="unsupported")
        if show["bind_epoch"] < self.state["config"].get("bind_epoch", 0): return self.ack(show, "rejected", reason="bind-epoch")
        if not known and show["gen"] <= self.state["gen"]: return self.ack(show, "rejected", reason="generation")
        if digest(data) != show["digest"]: return self.ack(show, "rejected", reason="digest")
        if not re.fullmatch(r"[0-9A-Z $%*+./:-]{1,1500}", data.get("qr", "-")): return self.ack(show, "rejected", reason="malformed")
        if show["id"] in self.state["answered"]: return self.ack(show, "received"), self.resend()
        if not (known and self.page):  # the same again leaves the timers alone
            self.state.update(gen=show["gen"], cmd=show["id"]), self.save()
            self.page, self.since = None if show["page"] in ("idle", "paused") else show, time.monotonic()
            self.deadline = self.since + show["ttl_ms"] / 1000
            print(f"page {show['page']}", flush=True)
        self.ack(show, "shown", digest=digest(data))
    def decide(self, page):  # where a real one waits for the citizen
        if page["page"] in ("authorize", "notice"): return "confirmed", {"refused_rows": []}
        return "rated", {"level": max(one["level"] for one in page["data"]["levels"]), "reasons": [], "comment": ""}
    def answer(self, page, outcome, detail, shown):
        me, self.page, self.wait, self.state["counter"] = self.state["identity"], None, 1, self.state["counter"] + 1
        answer = {"v": 1, "id": ulid(), "dev": me["device"], **{name: page[name] for name in ("gen", "bind_epoch", "page")}, "cmd": page["id"],
                  "digest": digest(page["data"]), "outcome": outcome, "detail": detail, "counter": self.state["counter"], "boot": self.boot,
                  "dev_time": now(), "shown_ms": int(shown * 1000), "touches": 1, "sw": "1"}
        signed = self.sign(f"{me['device']}#{me['key_gen']}", "hw-answer+1", answer)
        self.state["waiting"] = (self.state["waiting"] + [{"id": answer["id"], "at": time.time(), "jws": signed}])[-20:]
        self.state["answered"] = (self.state["answered"] + [page["id"]])[-64:]
        self.save(), self.resend()
    def resend(self):
        self.due = time.monotonic() + self.wait
        self.state["waiting"] = [one for one in self.state["waiting"] if time.time() - one["at"] < 86400]
        for one in self.state["waiting"]: self.say("answer", one["jws"])
    def receipt(self, receipt):
        self.state.update(waiting=[one for one in self.state["waiting"] if one["id"] != receipt["answer"]]), self.save()
        print(f"receipt {receipt['result']}", flush=True)
    def tick(self):
        at, page = time.monotonic(), self.page
        if page and at >= self.deadline: self.answer(page, "timeout", {}, at - self.since)
        elif page and page["page"] in ("authorize", "notice", "rating") and at > self.since + page["data"].get("min_view_ms", 0) / 1000 + 0.5:
            self.answer(page, *self.decide(page), at - self.since)
        if self.state["waiting"] and at >= self.due:
            self.wait = min(self.wait * 2, 30)
            self.resend()
        if self.client and at >= self.beat + self.state["config"].get("hb_s", 15):
            self.beat = at
            health = {"bseq": self.state["bseq"], "gen": self.state["gen"], "up_s": int(at - self.started), "q": len(self.state["waiting"])}
            self.say("hb", {"v": 1, "t0": now(), **health}, qos=0)
    def pause(self, seconds):  # the page's time goes on without a connection
        for _ in range(seconds * 10): time.sleep(0.1), self.tick()
    def run(self):
        while True:
            try: self.connect() if self.state["identity"] else self.pair()
            except OSError as error: print(f"again: {error}", flush=True)
            self.client = None
            self.pause(1)

if __name__ == "__main__": Evaluator(*sys.argv[1:4]).run()
