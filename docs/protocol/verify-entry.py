#!/usr/bin/env python3
"""Verify an exported ledger entry offline, from three files and the centre's public key.

    pip install cbor2 cryptography
    ./verify-entry.py entry.cbor proof.cbor receipt.cbor centre-key.hex

Needs nothing of the hall box: formats are in ledger.md beside this file. Prints what was proved and ends
with 0, or prints why not and ends with 1.
"""

import datetime
import hashlib
import json
import sys

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refused(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Refused(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def decode(data, what):
    """One CBOR item and nothing after it, in its only (deterministic) form."""
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORError, ValueError) as error:
        raise Refused(f"{what} is not CBOR: {error}") from error
    need(cbor2.dumps(value, canonical=True) == data, f"{what} is not deterministic CBOR")
    return value


def cose_payload(data, key, domain, what):
    """The payload of a COSE_Sign1 (RFC 9052) that `key` signed for the purpose `domain`."""
    message = decode(data, what)
    shape = isinstance(message, cbor2.CBORTag) and message.tag == 18 and len(message.value) == 4
    need(shape, f"{what} is not a COSE_Sign1")
    protected, unprotected, payload, signature = message.value
    need(decode(protected, what) == {1: -8}, f"{what} is not signed with EdDSA")
    need(unprotected.get(4) == sha256(key)[:8], f"{what} names another key")
    signed = cbor2.dumps(["Signature1", protected, domain.encode(), payload])
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise Refused(f"signature of {what} does not verify") from error
    return decode(payload, what)


def root_from_path(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    need(index < size, "entry lies outside the tree")
    node, last, digest = index, size - 1, leaf
    for sibling in path:
        need(last > 0, "inclusion proof is too long")
        if node & 1 or node == last:
            digest = sha256(b"\x01" + sibling + digest)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            digest = sha256(b"\x01" + digest + sibling)
        node, last = node >> 1, last >> 1
    need(last == 0, "inclusion proof is too short")
    return digest


def verify(entry_file, proof_file, receipt_file, centre_key):
    receipt = cose_payload(receipt_file, centre_key, "hallbox/receipt/1", "receipt")
    entry = decode(entry_file, "entry")
    header = cose_payload(entry[0], receipt[6], "hallbox/entry/1", "entry")
    need(len(entry) == 2 and entry[1], "entry has no body: it was erased")
    salt, body = entry[1]
    need(sha256(salt + body) == header[9], "body is not the one that the header commits to")
    proof = decode(proof_file, "proof")
    need(header[2] == proof[0] == receipt[0], "the files speak of different ledgers")
    need(header[3] == proof[1] and proof[2] == receipt[1], "the files speak of different entries")
    root = root_from_path(sha256(b"\x00" + entry[0]), proof[1], proof[2], proof[3])
    need(root == receipt.get(7, receipt[2]), "the entry is not in the tree that the centre receipted")
    return header, decode(body, "body"), receipt


def main(arguments):
    need(len(arguments) == 4, "usage: verify-entry.py ENTRY PROOF RECEIPT CENTRE-KEY")
    entry, proof, receipt = (open(name, "rb").read() for name in arguments[:3])
    centre_key = bytes.fromhex(open(arguments[3]).read().strip())
    header, body, receipt = verify(entry, proof, receipt, centre_key)
    hall = datetime.timezone(datetime.timedelta(hours=8))
    when = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, hall).isoformat(timespec="milliseconds")
    print(f"verified: entry {header[3]} of ledger {header[2][0].hex()}.{header[2][1]}, kind {header[1]}")
    print(f"made at {when(header[5])}, in custody of the centre since {when(receipt[4])}")
    print(json.dumps(body, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Refused, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        print(f"NOT verified: {error}", file=sys.stderr)
        sys.exit(1)
