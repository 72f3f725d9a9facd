"""A real `callvault serve` over a vault of its own, and people who come in by its front door. Loopback only; what was started
here is stopped here, by its process id."""

import atexit
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent.parent
PASSWORD = "copper lantern under seven bridges"
ORIGIN = "https://localhost:8443"
ROLES = ["agent", "supervisor", "qa", "compliance", "privacy_officer", "incident_lead", "disposal_officer", "auditor", "admin"]


def binary():
    """The built program: given by the test that runs this, else the release build of this tree."""
    return os.environ.get("CALLVAULT") or str(TREE / "target/release/callvault")


def totp(secret, at=None):
    """RFC 6238 code of a base32 secret."""
    key = base64.b32decode(re.sub(r"[^A-Z2-7]", "", secret) + "=" * (-len(re.sub(r"[^A-Z2-7]", "", secret)) % 8))
    mac = hmac.new(key, struct.pack(">Q", int((at or time.time()) // 30)), hashlib.sha1).digest()
    offset = mac[19] & 15
    return f"{(struct.unpack('>I', mac[offset:offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def planted():
    """What must stand in no log and no error: the demo's values, as written and as bare digits, and the password of everybody."""
    truth = json.loads((TREE / "fixtures/demo/truth.json").read_text())
    values = {p["value"].lower() for c in truth["conversations"] for p in c["planted"] + c.get("planted_elsewhere", [])}
    digits = {re.sub(r"\D", "", value) for value in values}
    return {v for v in values if len(v) > 5} | {d for d in digits if len(d) > 8} | {PASSWORD}


PLANTED = planted()


def quiet(text, where):
    """Fails when a text tells a planted value; does not repeat it."""
    low = text.lower()
    squeezed = re.sub(r"[ -]", "", low)
    told = sum(value in low or value in squeezed for value in PLANTED)
    if told:
        raise AssertionError(f"{where} tells {told} of the planted values")


class Home:
    """A private home with a vault in it."""

    def __init__(self, demo=False):
        self.folder = tempfile.TemporaryDirectory(prefix="callvault-siege-")
        self.path = Path(self.folder.name)
        self.data = self.path / "data"
        self.env = {
            "PATH": os.environ.get("PATH", ""), "CALLVAULT_DATA": str(self.data), "CALLVAULT_KEY_FILE": str(self.path / "vault.key"),
            "CALLVAULT_MODELS": str(self.path / "no-models"), "CALLVAULT_LOG": "warn",
            **{name: str(self.path / name.lower()) for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR"]},
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR"]:
            Path(self.env[name]).mkdir()
        self.run("demo", "--offline", "--json") if demo else self.run("init")

    def run(self, *args, ok=(0,)):
        """A command on the vault; its standard output."""
        done = subprocess.run([binary(), *args], env=self.env, cwd=self.path, capture_output=True, text=True, timeout=180)
        quiet(done.stderr, f"standard error of callvault {args[0]}")
        if done.returncode not in ok:
            raise AssertionError(f"callvault {' '.join(args)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def invite(self, login, *roles):
        """The path of an invitation; only while nobody serves the vault."""
        wanted = [w for role in roles for w in ("--role", role)]
        return json.loads(self.run("user", "invite", login, "--name", "Test Person", *wanted, "--json"))["path"]

    def measured(self):
        """A measurement that this vault signed, on the demo's texts (nobody listens here); only while nobody serves the vault."""
        demo, place = TREE / "fixtures/demo", self.path / "measured"
        truth = json.loads((demo / "truth.json").read_text())
        truth["conversations"] = [c for c in truth["conversations"] if c["channel"] != "voice"]
        place.mkdir()
        for folder in ["chats", "sms", "emails"]:
            if (demo / folder).is_dir():
                shutil.copytree(demo / folder, place / folder)
        (place / "truth.json").write_text(json.dumps(truth))
        report = json.loads(self.run("measure", str(place / "truth.json"), "--json", ok=(0, 1)))
        shutil.rmtree(place)
        return report

    def close(self):
        self.folder.cleanup()


class Server:
    """`callvault serve`, started and stopped by its process id."""

    def __init__(self, home, *args, env=None):
        self.home, self.log = home, home.path / "server.log"
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([binary(), "serve", "--listen", "127.0.0.1:0", "--origin", ORIGIN, "--json", *args],
                                            env={**home.env, **(env or {})}, cwd=home.path, stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the server did not start: {self.log.read_text()[-2000:]}")
        self.told = json.loads(line)
        host, port = self.told["address"].rsplit(":", 1)
        self.address = (host, int(port))
        self.pid = self.process.pid
        self.told_to_end = False
        # Whatever goes wrong in between, nothing of ours goes on serving.
        atexit.register(self.leave)
        # Its own certificate is the only one that is trusted.
        self.tls = ssl.create_default_context(cafile=str(home.data / "tls/certificate.pem"))

    def alive(self):
        return self.process.poll() is None

    def leave(self):
        """At the end of this program: kills a server that still serves, and says how one ended that nobody told to."""
        if self.alive():
            self.process.kill()
        elif not self.told_to_end:
            log = self.log.read_text(errors="replace") if self.log.exists() else "gone"
            quiet(log, "the server's log")
            print(f"the server ended by itself with {self.process.returncode} (negative: a signal); its log: {log[-2000:]}", file=sys.stderr)

    def kill(self):
        """SIGKILL: no handler, no destructor, no flush."""
        self.told_to_end |= self.alive()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.process.stdout.close()
        quiet(self.log.read_text(errors="replace"), "the server's log")

    def stop(self, within=60):
        """SIGTERM, or what it ended with before; its exit code."""
        if self.alive():
            self.told_to_end = True
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(within)
        self.process.stdout.close()
        quiet(self.log.read_text(errors="replace"), "the server's log")
        return self.process.returncode

    def rss_mb(self):
        """Resident memory now."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode("utf-8", "replace")


class Person:
    """Somebody with a session, or nobody yet. Each thread has a connection of its own."""

    def __init__(self, server, cookie=None, login=None):
        self.server, self.cookie, self.login, self.here = server, cookie, login, threading.local()

    def at(self, server):
        """The same session at a server that was started again."""
        return Person(server, self.cookie, self.login)

    def ask(self, method, path, body=None, kind="application/json", headers=None, timeout=30):
        """One request; a broken connection is an OSError or HTTPException, and the answer is unknown."""
        if getattr(self.here, "line", None) is None:
            self.here.line = http.client.HTTPSConnection(*self.server.address, context=self.server.tls, timeout=timeout)
        head = {"origin": ORIGIN, **(headers or {})}
        if self.cookie:
            head["cookie"] = f"__Host-callvault={self.cookie}"
        if body is not None:
            head["content-type"] = kind
            body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        try:
            self.here.line.request(method, path, body=body, headers=head)
            answer = self.here.line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except BaseException:
            self.here.line.close()
            self.here.line = None
            raise

    def form(self, path, **fields):
        return self.ask("POST", path, urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded")


def enrol(server, path, login):
    """Takes an invitation with password and authenticator app."""
    nobody = Person(server)
    page = nobody.ask("GET", path).text()
    secret = re.search(r'id="totp-secret">([^<]+)<', page).group(1)
    step = re.search(r'name="step" value="([^"]+)"', page).group(1)
    done = nobody.form(path, password=PASSWORD, code=totp(secret), step=step)
    token = re.search(r"__Host-callvault=(cvs_[^;]+)", done.headers.get("set-cookie") or "")
    if not token:
        raise AssertionError(f"{login} could not enrol: {done.status} {done.text()[:500]}")
    return Person(server, token.group(1), login)
