#!/usr/bin/env python3
"""Verify what phones carry, or make it, with other people's libraries: formats are in phone.md beside this file.

    pip install base45 cbor2 cryptography cwt token-status-list
    ./verify-phone.py verify vectors/phone     # prints what each message says, as JSON
    ./verify-phone.py make FOLDER              # new keys, a code, an answer and a status list for others to verify
"""

import hashlib
import json
import os
import sys
import zlib
from pathlib import Path

import base45
import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cwt import COSE, COSEKey
from token_status_list import BitArray

OWN = -65537
STATUS_LIST, STATUS_TYP = 65533, "application/statuslist+cwt"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
KINDS = {1: "code", 2: "face", 3: "consent", 4: "principal", 5: "licences"}


def need(condition, why):
    if not condition:
        raise ValueError(why)


def kid(public):
    return hashlib.sha256(public).digest()[:8]


def verify_cwt(message, typ, public, now, named=True):
    """Claims of a message of this typ, signed with this key, that has not expired."""
    key = {1: 1, 3: -8, -1: 6, -2: public} | ({2: kid(public)} if named else {})
    protected, unprotected, payload = COSE.new().decode_with_headers(message, COSEKey.new(key))
    need(protected == {1: -8, 16: typ}, "another kind of message")
    need(unprotected == ({4: kid(public)} if named else {}), "another unprotected header")
    claims = cbor2.loads(payload)
    need(cbor2.dumps(claims, canonical=True) == payload, "not deterministic CBOR")
    need(now < claims.get(4, now + 1), "expired")
    return claims


def sign_cwt(claims, typ, private, named=True):
    public = private.public_key().public_bytes_raw()
    key = COSEKey.new({1: 1, 3: -8, -1: 6, -2: public, -4: private.private_bytes_raw()})
    unprotected = {4: kid(public)} if named else {}
    return COSE.new().encode(cbor2.dumps(claims, canonical=True), key, protected={1: -8, 16: typ}, unprotected=unprotected)


def open_sealed(sealed, domain, keys):
    number, nonce, ciphertext = sealed
    return cbor2.loads(ChaCha20Poly1305(keys["code_keys"][number]).decrypt(nonce, ciphertext, domain))


def use_code(nine):
    """用证码 of nine characters and their check character, in GF(2^5) with x^5 = x^2 + 1."""
    check = 0
    for character in nine:
        check = (check ^ CROCKFORD.index(character)) << 1
        check ^= 37 if check & 32 else 0
    return nine + CROCKFORD[check]


def verify_code(message, keys):
    unverified = cbor2.loads(cbor2.loads(message).value[2])
    attestation = verify_cwt(unverified[OWN][1], "hall-att+cwt", keys["centre"], keys["now"])
    device = attestation[8][1]  # COSEKey says whether it is one of Ed25519
    claims = verify_cwt(message, "hall-code+cwt", device[-2], keys["now"], named=False)
    need(len(claims[10]) == 16 or abs(claims[6] - keys["now"]) <= 90, "too old")
    subject = open_sealed(attestation[OWN][1], b"hallbox/subject/1", keys)
    return {"subject": subject, "nonce": claims[10], "at": claims[6], "place": attestation[OWN].get(2)}


def verify_ask(message, keys):
    claims = verify_cwt(message, "hall-ask+cwt", keys["box"], keys["now"])
    return {"kind": KINDS[claims[OWN][1]], "materials": claims[OWN].get(5, []), "nonce": claims[10]}


def verify_say(message, keys):
    claims = verify_cwt(message, "hall-say+cwt", keys["centre"], keys["now"])
    own = claims[OWN]
    need(claims[4] - claims[6] <= 600, "lives too long")
    need(all(code == use_code(code[:9]) for _, _, code in own.get(3, [])), "not a use code")
    subject = open_sealed(own[2], b"hallbox/subject/1", keys)
    licences = [row[:4] + [open_sealed(row[4], b"hallbox/fields/1", keys)] for row in own.get(6, [])]
    said = {"agreed": own.get(3, []), "refused": own.get(4, []), "licences": licences}
    return said | {"kind": KINDS[own[1]], "subject": subject, "nonce": claims[10]}


def verify_receipt(message, keys):
    claims = verify_cwt(message, "hall-rcp+cwt", keys["box"], keys["now"])
    log, seq, leaf, case_no = (claims[OWN][n] for n in (1, 2, 3, 4))
    return {"log": log, "seq": seq, "leaf": leaf, "case_no": case_no, "at": claims[6]}


def verify_status(message, keys):
    claims = verify_cwt(message, STATUS_TYP, keys["centre"], keys["now"])
    statuses = BitArray(claims[STATUS_LIST]["bits"], zlib.decompress(claims[STATUS_LIST]["lst"]))
    entries = len(statuses.lst) * 8 // claims[STATUS_LIST]["bits"]
    return {"list": claims[2], "set": {n: statuses.get(n) for n in range(entries) if statuses.get(n)}}


def whole(codes):
    """The message in one QR code, or in several in any order."""
    need(all(code.startswith("HB1:") for code in codes), "not a code of this province")
    found = [base45.b45decode(code[4:]) for code in codes]
    if len(found) == 1:
        return found[0]
    parts = {tuple(cbor2.loads(part)) for part in found}
    need(all(cbor2.dumps(list(part), canonical=True) in found for part in parts), "not deterministic CBOR")
    count, name = {part[1] for part in parts}, {part[2] for part in parts}
    need(len(count) == len(name) == 1, "parts of different messages")
    need(sorted(part[0] for part in parts) == list(range(1, count.pop() + 1)), "a part is missing")
    message = b"".join(part[3] for part in sorted(parts))
    need(hashlib.sha256(message).digest()[:8] == name.pop(), "parts that do not belong together")
    return message


def verify(folder):
    keys = json.loads((folder / "keys.json").read_text())
    keys |= {name: bytes.fromhex(keys[name]) for name in ("centre", "box")}
    keys["code_keys"] = {key["number"]: bytes.fromhex(key["key"]) for key in keys["code_keys"]}
    found = {"status": verify_status((folder / "status.cbor").read_bytes(), keys)}
    by_kind = {"code": verify_code, "ask": verify_ask, "say": verify_say, "receipt": verify_receipt}
    for file in sorted(folder.glob("*.txt")):
        # A space is a letter of Base45, but never the last one.
        message = whole(list(reversed(file.read_text().strip().split("\n"))))
        found[file.stem] = by_kind[file.stem.split("-")[0]](message, keys)
    print(json.dumps(found, default=bytes.hex, ensure_ascii=False, indent=2))


def make(folder):
    centre, device, box = (Ed25519PrivateKey.generate() for _ in range(3))
    public = lambda key: key.public_key().public_bytes_raw()
    now, code_key, nonce = 1795226400, ChaCha20Poly1305.generate_key(), os.urandom(16)

    def seal(value, domain):
        fresh = os.urandom(12)
        return [3, fresh, ChaCha20Poly1305(code_key).encrypt(fresh, cbor2.dumps(value), domain)]

    subject = seal(["111:519900199003070011", "王芳", [1, "91239900MATE5T017W", "测试市演示公司"]], b"hallbox/subject/1")
    phone = {1: {1: 1, -1: 6, -2: public(device)}}
    attestation = {4: now + 86400, 6: now, 8: phone, OWN: {1: subject, 2: 41}}
    code = {6: now, 10: nonce, OWN: {1: sign_cwt(attestation, "hall-att+cwt", centre)}}
    rows = [["m1", 0, use_code("5TE5T0001")], ["m2", 3, use_code("ZZZZZZZZY")]]
    say = {4: now + 600, 6: now, 10: nonce, OWN: {1: 3, 2: subject, 3: rows, 4: ["m3"], 5: bytes(32)}}
    statuses = BitArray.of_size(2, 100)
    statuses.set(77, 1)
    status = {2: "urn:hallbox:status:1", 4: now + 3600, 6: now, 65534: 300}
    status[STATUS_LIST] = {"bits": 2, "lst": statuses.compressed()}
    folder.mkdir(exist_ok=True)
    sealing = {"number": 3, "key": code_key.hex(), "first": "2026-01-01", "last": "2099-12-31"}
    keys = {"now": now, "centre": public(centre).hex(), "box": public(box).hex(), "code_keys": [sealing]}
    (folder / "keys.json").write_text(json.dumps(keys))
    (folder / "status.cbor").write_bytes(sign_cwt(status, STATUS_TYP, centre))
    code = sign_cwt(code, "hall-code+cwt", device, named=False)
    for name, message in {"code-made": code, "say-made": sign_cwt(say, "hall-say+cwt", centre)}.items():
        (folder / f"{name}.txt").write_text("HB1:" + base45.b45encode(message).decode() + "\n")


if __name__ == "__main__":
    need(len(sys.argv) == 3, __doc__)
    {"verify": verify, "make": make}[sys.argv[1]](Path(sys.argv[2]))
