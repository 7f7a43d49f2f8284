"""The evaluator of docs/protocol/examples with one fault, for the test of `hallbox device check`:
broken.py <fault> <folder of evaluator.py> <its three arguments>"""
import base64, builtins, datetime, json, sys, time

FAULT = sys.argv[1]
sys.path.insert(0, sys.argv[2])
sys.dont_write_bytecode = True
import evaluator  # noqa: E402


class Broken(evaluator.Evaluator):
    once_more = True

    def sign(self, kid, typ, payload):
        if typ == "hw-answer+1" and FAULT == "digest":
            payload = {**payload, "digest": "sha-256:" + "0" * 64}
        if typ == "hw-answer+1" and FAULT == "counter":
            payload = {**payload, "counter": 7}
        if typ == "hw-answer+1" and FAULT == "key":
            kid = kid.replace("#1", "#2")
        return super().sign(kid, typ, payload)

    def say(self, word, message, qos=1, retain=False):
        if word == "state" and FAULT == "counter":
            message = {**message, "last_counter": 7}
        if word == "hb" and FAULT == "deaf":
            return None
        if word == "hb" and FAULT == "sloppy":
            super().say("log", {"v": 1, "level": "loud", "code": "x"}, 0)
        if word == "state" and FAULT == "sloppy":
            message = {**message, "last_counter": message["last_counter"] + 1, "boot": evaluator.ulid()}
        return super().say(word, message, qos, retain)

    def hall(self, hall):
        if FAULT != "deaf":
            super().hall(hall)

    def configure(self, config):
        page = self.page
        super().configure(config)
        if FAULT == "sloppy":
            self.page = page

    def decide(self, page):
        outcome, detail = super().decide(page)
        return outcome, ({**detail, "level": 9} if FAULT == "sloppy" and outcome == "rated" else detail)

    def answer(self, page, *rest):
        super().answer(page, *rest)
        if FAULT == "twice":
            self.page, self.once_more = (page if self.once_more else None), not self.once_more

    def control(self, control):
        if FAULT != "deaf":
            super().control(control)
        elif control["kind"] == "unpair":
            self.state.update(identity=None, config={}, waiting=[])

    def show(self, show):
        if FAULT == "careless":
            known = show["page"] if show["page"] in evaluator.PAGES else "idle"
            data = {name: value for name, value in show["data"].items() if name != "qr" or value.isascii()}
            show = {**show, "page": known, "digest": evaluator.digest(data), "data": data}
        if FAULT == "generation":
            self.state["gen"] = 0
        if FAULT == "sloppy" and ("of_a_later_version" in show or len(str(show)) > 20_000):
            return
        page, since, deadline = self.page, self.since, self.deadline
        super().show(show)
        if show["page"] == "idle" and FAULT == "keeps":
            self.page, self.since, self.deadline = page, since, deadline
        if FAULT == "sloppy" and show["ttl_ms"] < 10_000:
            self.deadline += 1_000_000
        if FAULT == "sloppy":
            late = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(show["issued"])
            self.deadline -= late.total_seconds() if late.total_seconds() > 3_600 else 0

    def resend(self):
        for one in self.state["waiting"] if FAULT == "bytes" else []:
            payload = json.loads(base64.urlsafe_b64decode(one["jws"]["payload"] + "=="))
            me = self.state["identity"]
            one["jws"] = self.sign(f"{me['device']}#{me['key_gen']}", "hw-answer+1", {**payload, "touches": time.monotonic_ns() % 1000})
        super().resend()


def told(line, **more):
    builtins.print(line[:-4] + "0000" if FAULT == "fingerprint" and line.startswith("code ") else line, **more)


def written(value, text=evaluator.text):
    will = isinstance(value, dict) and value.get("state") == "lost"
    return text({**value, "bseq": 0} if FAULT == "sloppy" and will else value)


evaluator.print, evaluator.text = told, written
Broken(*sys.argv[3:6]).run()
