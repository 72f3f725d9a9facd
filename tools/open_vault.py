#!/usr/bin/env python3
"""Opens what callvault sealed, without callvault: Python, `cryptography`, and docs/guide/format.md.

    python3 tools/open_vault.py --data DIR --key-file VAULT.key [--passphrase-file FILE]      every conversation, as JSON
    python3 tools/open_vault.py --certificate FILE [--vkey KEY]                               one certificate

It opens every sealed value and file that it meets, keeps none of them, and prints what was opened: counts, the masked words
(they are what a reader may see) and SHA-256 of each recording. `--values` prints the covered values, too. A value that does
not open ends it with exit code 1.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import sqlite3
import struct
import sys
import uuid

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

RECORD, KEY = 1, 2
CHUNK, TAG, HEADER = 16384, 16, 56


class Refused(Exception):
    """Something is not as the format says."""


def expand(key, info, length, digest=SHA256):
    return HKDFExpand(digest(), length, info).derive(key)


def derive(key, label):
    return expand(key, b"callvault.derive.v1\0" + label.encode(), 32)


def key_id(key):
    return expand(key, b"callvault.key-id.v1", 8)


def kek(tenant, epoch, purpose):
    return HKDF(SHA256(), 32, tenant, b"callvault.kek.v1\0" + purpose.encode()).derive(epoch)


def part(value):
    return struct.pack(">Q", len(value)) + value


def place(tenant, subject, thing, ident, field, version=1):
    """The canonical associated data."""
    about = b"\x00" if subject is None else b"\x01" + part(subject)
    tail = part(thing.encode()) + part(ident) + part(field.encode()) + struct.pack(">I", version)
    return b"callvault.aad.v1\0" + part(tenant) + about + tail


def open_sealed(form, key, context, sealed):
    prefix, commitment, body = sealed[:33], sealed[33:65], sealed[65:]
    if len(body) < TAG or prefix[0] != form or prefix[1:9] != key_id(key):
        raise Refused("another form or another key")
    okm = expand(key, b"callvault.seal.v1\0" + prefix + context, 64)
    if okm[32:] != commitment:
        raise Refused("the commitment is of another key or another place")
    try:
        return AESGCM(okm[:32]).decrypt(prefix[21:33], body, prefix + commitment + context)
    except InvalidTag:
        raise Refused("altered") from None


def open_record(key, where, sealed):
    return open_sealed(RECORD, key, where, sealed)


def unwrap(key, where, purpose, wrapped):
    return open_sealed(KEY, key, where + part(purpose.encode()), wrapped)


def open_chunks(key, context, sealed):
    """C2SP chunked-encryption, Cobblestone-256; gives the whole plaintext."""
    salt, commitment = sealed[:24], sealed[24:HEADER]
    if len(sealed) < HEADER + TAG:
        raise Refused("too short")
    label = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
    okm = expand(key, label + salt + context, 76, SHA512)
    if okm[44:] != commitment:
        raise Refused("the commitment is of another key or another place")
    gcm, base, out, at, index = AESGCM(okm[:32]), okm[32:44], [], HEADER, 0
    while True:
        chunk = sealed[at:at + CHUNK + TAG]
        nonce = base[:4] + bytes(a ^ b for a, b in zip(base[4:], struct.pack(">Q", index)))
        try:
            out.append(gcm.decrypt(nonce, chunk, b""))
        except (InvalidTag, ValueError):
            raise Refused("altered, reordered or cut off") from None
        at, index = at + len(chunk), index + 1
        if len(chunk) < CHUNK + TAG:
            if at != len(sealed):
                raise Refused("bytes after the end")
            return b"".join(out)


def root_key(path, passphrase):
    lines = path.read_text().splitlines()
    if lines[0] != "callvault-key-v1" or not lines[1].startswith("vault "):
        raise Refused("no key file")
    vault = uuid.UUID(lines[1].split(" ")[1])
    if lines[3].startswith("root "):
        root = base64.b64decode(lines[3][5:] + "==")
    else:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        if passphrase is None:
            raise Refused("this key file needs --passphrase-file")
        _, memory, passes, lanes, salt = lines[3].split(" ")
        salt = base64.b64decode(salt + "==")
        kdf = Argon2id(salt=salt, length=32, iterations=int(passes), lanes=int(lanes), memory_cost=int(memory))
        wrapped = base64.b64decode(lines[4].split(" ")[1] + "==")
        root = open_sealed(KEY, kdf.derive(passphrase), b"callvault.root.v1\0" + vault.bytes, wrapped)
    wanted = base64.b32encode(key_id(root)).decode().rstrip("=").lower()
    if lines[2] != f"id {wanted}":
        raise Refused("the key is not the one its file names")
    return vault, root


class Vault:
    def __init__(self, data, key_file, passphrase):
        self.data = data
        self.vault, self.root = root_key(key_file, passphrase)
        self.db = sqlite3.connect(f"file:{data / 'vault.db'}?mode=ro", uri=True)
        self.db.text_factory = str
        self.epochs = {}
        for path in sorted(key_file.with_suffix(".epochs").glob("*.epoch")):
            magic, owner, wrapped = path.read_text().splitlines()
            if magic != "callvault-epoch-v1" or owner != f"vault {self.vault}":
                raise Refused(f"{path.name} is of another vault")
            ident = uuid.UUID(path.stem).bytes
            context = b"callvault.epoch.v1\0" + self.vault.bytes + ident
            wrapped = base64.b64decode(wrapped.split(" ")[1] + "==")
            self.epochs[ident] = open_sealed(KEY, derive(self.root, "epochs"), context, wrapped)
        (self.tenant,) = self.db.execute("SELECT id FROM tenant WHERE name = 'default'").fetchone()
        version, wrapped = self.db.execute(
            "SELECT version, wrapped_key FROM tenant_key WHERE tenant = ? AND state = 'current'", (self.tenant,)
        ).fetchone()
        self.tenant_key = unwrap(self.root, place(self.tenant, None, "tenant", b"", "key", version), "default", wrapped)
        self.names = {}
        for number, wrapped, epoch in self.db.execute(
            "SELECT version, wrapped_key, epoch FROM tenant_secret WHERE tenant = ? AND kind = 'names'", (self.tenant,)
        ):
            under = self.tenant_key if epoch is None else kek(self.tenant_key, self.epochs[epoch], "names")
            key = unwrap(under, place(self.tenant, None, "tenant_secret", b"", "names", number), "names", wrapped)
            self.names[key_id(key)] = key

    def named(self, thing, ident, field, sealed):
        return open_record(self.names[sealed[1:9]], place(self.tenant, None, thing, ident, field), sealed)

    def subject_key(self, ident):
        wrapped, epoch = self.db.execute("SELECT wrapped_key, epoch FROM subject WHERE id = ?", (ident,)).fetchone()
        where = place(self.tenant, ident, "subject", ident, "key")
        return unwrap(kek(self.tenant_key, self.epochs[epoch], "subject"), where, "subject", wrapped)

    def party_key(self, ident):
        subject, wrapped = self.db.execute("SELECT subject, wrapped_key FROM party WHERE id = ?", (ident,)).fetchone()
        where = place(self.tenant, subject, "party", ident, "key")
        return subject, unwrap(self.subject_key(subject), where, "party", wrapped)

    def conversation(self, ident, values):
        source = self.db.execute("SELECT sealed_source FROM conversation WHERE id = ?", (ident,)).fetchone()[0]
        self.named("conversation", ident, "source", source)
        turns, tokens, objects = [], [], []
        for position, party, sealed in self.db.execute(
            "SELECT position, party, sealed_text FROM turn WHERE conversation = ? ORDER BY position", (ident,)
        ):
            subject, key = self.party_key(party)
            where = place(self.tenant, subject, "turn", ident + struct.pack(">Q", position), "text")
            turns.append(open_record(key, where, sealed).decode())
        for token, party, entity, sealed in self.db.execute(
            "SELECT id, party, entity, sealed_value FROM token WHERE conversation = ? ORDER BY id", (ident,)
        ):
            subject, key = self.party_key(party)
            value = open_record(key, place(self.tenant, subject, "token", token.encode(), entity), sealed).decode()
            tokens.append({"token": token, "entity": entity, **({"value": value} if values else {})})
        for name, kind, epoch, wrapped, sealed_sha256, plain_bytes in self.db.execute(
            "SELECT id, kind, epoch, wrapped_key, sealed_sha256, plain_bytes FROM object WHERE conversation = ? ORDER BY kind",
            (ident,),
        ):
            if wrapped is None:
                objects.append({"kind": kind, "key": "destroyed"})
                continue
            under = kek(self.tenant_key, self.epochs[epoch], "object")
            key = unwrap(under, place(self.tenant, None, "object", name, "key"), "object", wrapped)
            sealed = (self.data / "blobs" / f"{uuid.UUID(bytes=name)}.sealed").read_bytes()
            if hashlib.sha256(sealed).hexdigest() != sealed_sha256:
                raise Refused("a sealed file is not the one the row names")
            plain = open_chunks(key, place(self.tenant, None, "blob", name, "content"), sealed)
            if len(plain) != plain_bytes:
                raise Refused("a recording of another length than its row says")
            objects.append({"kind": kind, "bytes": len(plain), "sha256": hashlib.sha256(plain).hexdigest()})
        return {"id": str(uuid.UUID(bytes=ident)), "turns": turns, "tokens": tokens, "objects": objects}

    def contacts(self):
        n = 0
        for subject, field, index, sealed in self.db.execute("SELECT subject, field, blind_index, sealed_value FROM contact"):
            open_record(self.subject_key(subject), place(self.tenant, subject, "contact", index, field), sealed)
            n += 1
        return n


def note_text(note, vkey):
    """The text of a C2SP signed note; the signature must be of this key."""
    name, ident, encoded = vkey.strip().split("+", 2)
    raw = base64.b64decode(encoded)
    wanted = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[0] != 1 or wanted.hex() != ident:
        raise Refused("no Ed25519 verifier key")
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if dash == "\u2014" and signer == name and signature[:4] == wanted:
            try:
                Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature[4:], text.encode())
            except InvalidSignature:
                raise Refused("the signature is not of this text") from None
            return text
    raise Refused("no signature of this key")


def inclusion(leaf, index, size, path, root):
    """RFC 9162, section 2.1.3.2."""
    node, at, last = leaf, index, size - 1
    for other in path:
        if last == 0:
            raise Refused("the path is too long")
        if at & 1 or at == last:
            node = hashlib.sha256(b"\x01" + other + node).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + other).digest()
        at, last = at >> 1, last >> 1
    if last != 0 or node != root:
        raise Refused("the entry is not in the ledger")


def certificate(path, vkey):
    whole = json.loads(path.read_text())
    if vkey is not None and vkey.strip() != whole["vkey"]:
        raise Refused("it was issued under another key")
    statement = json.dumps(whole["statement"], ensure_ascii=False, separators=(",", ":")).encode()
    commitment = hashlib.sha256(statement).hexdigest()
    ident, form = whole["statement"]["id"], whole["statement"]["format"]
    if note_text(whole["signature"], whole["vkey"]) != f"{form}\n{ident}\n{commitment}\n":
        raise Refused("the signature is of another statement")
    head, _, checkpoint = whole["ledger_proof"].partition("\n\n")
    magic, extra, index, *hashes = head.split("\n")
    origin, size, root, *_ = note_text(checkpoint, whole["vkey"]).split("\n")
    entry = base64.b64decode(extra.removeprefix("extra "))
    if magic != "c2sp.org/tlog-proof@v1":
        raise Refused("no ledger proof")
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    index = int(index.removeprefix("index "))
    inclusion(leaf, index, int(size), [base64.b64decode(h) for h in hashes], base64.b64decode(root))
    body = json.loads(entry)["body"]
    if body["statement_sha256"] != commitment or body["certificate"] != ident:
        raise Refused("the ledger entry speaks of another certificate")
    return {"ok": True, "id": ident, "format": form, "entry": index, "ledger_size": int(size), "origin": origin}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--data", type=pathlib.Path)
    args.add_argument("--key-file", type=pathlib.Path)
    args.add_argument("--passphrase-file", type=pathlib.Path)
    args.add_argument("--values", action="store_true")
    args.add_argument("--certificate", type=pathlib.Path)
    args.add_argument("--vkey")
    args = args.parse_args()
    try:
        if args.certificate:
            print(json.dumps(certificate(args.certificate, args.vkey)))
            return 0
        if not (args.data and args.key_file):
            print("give --data and --key-file, or --certificate", file=sys.stderr)
            return 2
        passphrase = args.passphrase_file.read_bytes().rstrip(b"\r\n") if args.passphrase_file else None
        vault = Vault(args.data, args.key_file, passphrase)
        ids = [i for (i,) in vault.db.execute("SELECT id FROM conversation ORDER BY id")]
        rows = [vault.conversation(i, args.values) for i in ids]
        print(json.dumps({"vault": str(vault.vault), "contacts": vault.contacts(), "conversations": rows}))
        return 0
    except (Refused, KeyError) as why:
        print(f"not opened: {why}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
