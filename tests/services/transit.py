"""A model of the transit engine, after the HTTP API that OpenBao 2.6 documents (`/v1/transit/keys|encrypt|decrypt`, AppRole login): its
paths, fields, statuses and error texts, with real AES-256-GCM. It is not OpenBao: no policy, no storage, no audit.

Orders: `make`, `lose`, `rotate` (names of keys), `facts` (of a key), `tokens`, `withdraw`, `roles`; the rest is state."""

import base64
import json
import os
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FACTS = {"type": "aes256-gcm96", "exportable": False, "allow_plaintext_backup": False, "deletion_allowed": False, "derived": False,
         "imported_key": False, "soft_deleted": False, "min_decryption_version": 1, "min_encryption_version": 0,
         "supports_encryption": True, "supports_decryption": True, "supports_signing": False, "supports_derivation": True}


class Engine:
    def __init__(self, folder):
        self.folder, self.lock = folder, threading.Lock()
        self.keys, self.tokens, self.roles = {}, set(), {}
        self.state = {"sealed": False, "namespace": None, "mount": "transit", "forgetful": False}

    def key(self, name):
        return self.keys.setdefault(name, {"versions": [os.urandom(32)], "facts": dict(FACTS)})

    def sealed(self, name, plain, associated):
        versions = self.keys[name]["versions"]
        nonce = os.urandom(12)
        body = nonce + AESGCM(versions[-1]).encrypt(nonce, plain, b"" if self.state["forgetful"] else associated)
        return f"vault:v{len(versions)}:{base64.b64encode(body).decode()}"

    def opened(self, name, text, associated):
        found = re.fullmatch(r"vault:v(\d+):([A-Za-z0-9+/=]+)", text)
        if not found:
            raise Refused(400, "invalid ciphertext: no prefix")
        key, version = self.keys[name], int(found.group(1))
        if version > len(key["versions"]) or version < 1:
            raise Refused(400, "invalid ciphertext: version is too new")
        if version < key["facts"]["min_decryption_version"]:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        body = base64.b64decode(found.group(2))
        try:
            return AESGCM(key["versions"][version - 1]).decrypt(body[:12], body[12:], b"" if self.state["forgetful"] else associated)
        except InvalidTag:
            raise Refused(400, "cipher: message authentication failed") from None


    def order(self, wish):
        with self.lock:
            for name in wish.pop("make", []):
                self.key(name)
            for name in wish.pop("rotate", []):
                self.keys[name]["versions"].append(os.urandom(32))
            for name, facts in wish.pop("facts", {}).items():
                self.key(name)["facts"].update(facts)
            for name in wish.pop("lose", []):
                self.keys.pop(name, None)
            self.tokens |= set(wish.pop("tokens", []))
            self.tokens -= set(wish.pop("withdraw", []))
            self.roles.update(wish.pop("roles", {}))
            self.state.update(wish)
            return {"keys": sorted(self.keys), "tokens": len(self.tokens)}


class Refused(Exception):
    def __init__(self, status, *errors):
        super().__init__(status)
        self.status, self.errors = status, list(errors)


def bytes_of(body, field):
    try:
        return base64.b64decode(body.get(field, ""), validate=True)
    except ValueError:
        raise Refused(400, f"failed to base64-decode {field}") from None


def answer(engine, method, path, headers, body):
    """Status and JSON of one request."""
    if engine.state["sealed"]:
        raise Refused(503, "Vault is sealed")
    if headers.get("X-Vault-Namespace") != engine.state["namespace"]:
        raise Refused(404)
    if (method, path) == ("POST", "/v1/auth/approle/login"):
        if engine.roles.get(body.get("role_id")) != body.get("secret_id") or not body.get("secret_id"):
            raise Refused(400, "invalid role or secret ID")
        token = "s." + secrets.token_urlsafe(24)
        engine.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": 3600, "renewable": True}}
    if headers.get("X-Vault-Token") not in engine.tokens:
        raise Refused(403, "permission denied")
    if (method, path) == ("POST", "/v1/auth/token/revoke-self"):
        engine.tokens.discard(headers["X-Vault-Token"])
        return 204, None
    found = re.fullmatch(f"/v1/{re.escape(engine.state['mount'])}/(keys|encrypt|decrypt)/([A-Za-z0-9._-]+)", path)
    if not found:
        raise Refused(404, "no handler for route")
    what, name = found.groups()
    if (method, what) == ("GET", "keys"):
        if name not in engine.keys:
            raise Refused(404)
        key = engine.keys[name]
        return 200, {"request_id": "x", "data": {**key["facts"], "name": name, "latest_version": len(key["versions"]),
                                                 "keys": {str(n + 1): 1442851412 for n in range(len(key["versions"]))}}}
    if method != "POST":
        raise Refused(405, "unsupported operation")
    if what == "encrypt":
        # As the product does where the policy lets it: a key that is not there is made.
        engine.key(name)
        return 200, {"data": {"ciphertext": engine.sealed(name, bytes_of(body, "plaintext"), bytes_of(body, "associated_data")),
                              "key_version": len(engine.keys[name]["versions"])}}
    if name not in engine.keys:
        raise Refused(400, "encryption key not found")
    if engine.keys[name]["facts"]["soft_deleted"]:
        raise Refused(400, "refusing to use soft-deleted key")
    plain = engine.opened(name, body.get("ciphertext", ""), bytes_of(body, "associated_data"))
    return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


def server(folder):
    engine = Engine(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def go(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            with engine.lock:
                with open(folder / "requests", "a") as log:
                    print(self.command, self.path, self.headers.get("X-Vault-Namespace") or "-", file=log)
                try:
                    status, said = answer(engine, self.command, self.path, self.headers, body)
                except Refused as e:
                    status, said = e.status, {"errors": e.errors}
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = go

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler), engine.order
