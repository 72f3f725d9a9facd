#!/usr/bin/env python3
"""A server that starts closed: what it answers, what opens it, that it forgets its keys when it is told to. The real program with
a key file under a passphrase; the memory of the process is searched for the root key before and after (Linux).

    tools/siege/sealed.py

Exit code 1: something was found."""

import base64
import os
import pty
import re
import socket
import stat
import subprocess
import sys
import termios
import time
from pathlib import Path

from memory import hits
from vault import Home, Person, Server, binary, enrol

RIGHT = "violet harbour sextant 4417"
WRONG = "meadow kettle parade 9023"


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def command(home, *args):
    done = subprocess.run([binary(), *args], env=home.env, cwd=home.path, capture_output=True, text=True, timeout=240)
    for secret in [RIGHT, WRONG]:
        assert secret not in done.stdout + done.stderr, f"{args[0]} prints a passphrase"
    return done


def unseal(home, code, *args):
    import json
    done = command(home, "unseal", "--json", *args)
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout else None


def typed(home, secret, *args):
    """`unseal` at a terminal: its exit code, and everything that appeared on the screen."""
    master, slave = pty.openpty()
    process = subprocess.Popen([binary(), "unseal", *args], env=home.env, cwd=home.path, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    until = time.monotonic() + 60
    # Typed when nothing is echoed any more, as by somebody who reads the question first.
    while termios.tcgetattr(slave)[3] & termios.ECHO and process.poll() is None:
        assert time.monotonic() < until, "the terminal goes on showing what is typed"
        time.sleep(0.02)
    os.write(master, secret.encode() + b"\n")
    code = process.wait(60)
    os.set_blocking(master, False)
    screen = b""
    try:
        while chunk := os.read(master, 4096):
            screen += chunk
    except BlockingIOError:
        pass
    echo = termios.tcgetattr(slave)[3] & termios.ECHO
    os.close(slave), os.close(master)
    screen = screen.decode()
    assert secret not in screen and echo, "the screen shows what was typed, or shows nothing any more"
    return code, screen


def sockets(pid):
    """What a process listens on: ports of TCP, and addresses of UNIX sockets."""
    mine = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.match(r"socket:\[(\d+)\]", os.readlink(fd))
        except OSError:
            continue
        if found:
            mine.add(found.group(1))
    ports = set()
    for table in ["tcp", "tcp6", "udp", "udp6"]:
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in mine and (words[3] == "0A" or table.startswith("udp")):
                ports.add((table, int(words[1].rsplit(":", 1)[1], 16)))
    unix = {line.split(maxsplit=7)[7] for line in Path("/proc/net/unix").read_text().splitlines()[1:]
            if line.split()[6] in mine and len(line.split(maxsplit=7)) > 7}
    return ports, unix


def closed(server):
    """Nothing answers but that it lives."""
    nobody = Person(server)
    alive = nobody.ask("GET", "/health")
    assert (alive.status, alive.body) == (200, b"ok\n"), (alive.status, alive.body)
    for method, path in [("GET", "/ready"), ("GET", "/"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/metrics"), ("GET", "/api/v1/conversations"),
                         ("POST", "/api/v1/uploads"), ("GET", "/assets/x/app.css"), ("POST", "/unseal"), ("GET", "/enrol/x"), ("DELETE", "/health"), ("GET", "/nothing")]:
        answer = nobody.ask(method, path)
        told = answer.json()
        assert answer.status == 503 and told["type"] == "urn:callvault:problem:sealed", (method, path, answer.status)
        assert answer.headers["content-type"] == "application/problem+json" and answer.headers["retry-after"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = nobody.ask("GET", "/", headers={"accept": "text/html,*/*;q=0.8"})
    assert page.status == 503 and page.headers["content-type"].startswith("text/html") and "The vault is sealed" in page.text()
    nobody.here.line.close()


def ready(server, seconds=60):
    nobody, until = Person(server), time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if nobody.ask("GET", "/ready").status == 200:
                nobody.here.line.close()
                return
        except (OSError, Exception):
            pass
        time.sleep(0.1)
    raise AssertionError("it did not become ready")


def two_people():
    """New shares and another protection of the key file are no act of one person where there are two."""
    import json
    home = Home()
    links = {login: home.invite(login, role) for login, role in [("admin2", "admin"), ("officer", "privacy_officer")]}
    server = Server(home)
    try:
        people = {login: enrol(server, link, login) for login, link in links.items()}
        server.stop()
        words = private(home.path / "words", RIGHT + "\n")
        wishes = [("keys", "shares", "--needed", "3", "--made", "4", "--shares-to", str(home.path / "holders")),
                  ("keys", "protect", "--new-passphrase-file", words)]
        before = (home.path / "vault.key").read_bytes()
        for wish, said in [(w, s) for s in ["asked: ", "waits: "] for w in wishes]:
            done = command(home, *wish)
            assert done.returncode == 1 and done.stderr.startswith(said) and not done.stdout, (done.returncode, done.stdout, done.stderr)
        assert not list((home.path / "holders").iterdir()) and (home.path / "vault.key").read_bytes() == before
        server = Server(home)
        officer, admin = people["officer"].at(server), people["admin2"].at(server)
        page = officer.ask("GET", "/requests").text()
        assert "Change what opens the root key" in page and "any 3 rebuild the key" in page and "opens with a passphrase" in page
        asked = [d for d in officer.ask("GET", "/api/v1/decisions").json()["decisions"] if d["what"] == "change_keys"]
        assert len(asked) == 2, asked
        for decision in asked:
            place = f"/api/v1/decisions/{decision['id']}/decision"
            assert admin.ask("POST", place, {"agree": True}).status == 403
            agreed = officer.ask("POST", place, {"agree": True})
            assert agreed.status == 204, agreed.text()
        server.stop()
        home.run(*wishes[0])
        assert sorted(p.name for p in (home.path / "holders").iterdir()) == [f"share-{n}-of-4" for n in range(1, 5)]
        home.run(*wishes[1])
        assert b"argon2id" in (home.path / "vault.key").read_bytes()
        home.env["CALLVAULT_PASSPHRASE_FILE"] = words
        again = command(home, "keys", "protect", "--plain")
        assert again.returncode == 1 and again.stderr.startswith("asked: "), again.stderr
        home.run("verify")
        print("two people: asked, agreed to by a second person with the right, done once", flush=True)
    finally:
        if server.alive():
            server.kill()
        home.close()


def main():
    two_people()
    home = Home()
    key_file = home.path / "vault.key"
    root = base64.b64decode(re.search(r"^root (.+)$", key_file.read_text(), re.M).group(1) + "==")
    # Sealing means nothing where the key file opens by itself.
    refused = command(home, "serve", "--sealed", "--listen", "127.0.0.1:0")
    assert refused.returncode == 3 and "nothing protects the key file" in refused.stderr, refused.stderr
    shares = re.findall(r'"([a-z2-7]{4}(?:-[a-z2-7]{2,4}){18})"', home.run("keys", "shares", "--needed", "3", "--made", "4", "--json"))
    assert len(shares) == 4
    home.run("keys", "protect", "--new-passphrase-file", private(home.path / "right", RIGHT + "\n"))
    private(home.path / "wrong", WRONG + "\n")
    files = [private(home.path / f"share{i}", share + "\n") for i, share in enumerate(shares)]
    right, wrong = ("--passphrase-file", str(home.path / "right")), ("--passphrase-file", str(home.path / "wrong"))
    link = None
    nobody_there = command(home, "unseal", *right)
    assert nobody_there.returncode == 3 and "no server serves" in nobody_there.stderr

    # A server that starts open has no second way in.
    home.env["CALLVAULT_PASSPHRASE_FILE"] = str(home.path / "right")
    server = Server(home)
    del home.env["CALLVAULT_PASSPHRASE_FILE"]
    assert sockets(server.pid) == ({("tcp", server.address[1])}, set()), sockets(server.pid)
    assert command(home, "seal").returncode == 3 and server.alive()
    server.stop()

    server = Server(home, "--sealed")
    try:
        assert server.told["sealed"] is True and "first_administrator" not in server.told
        ports, unix = sockets(server.pid)
        assert ports == {("tcp", server.address[1])}, f"it listens on {ports}"
        place = home.data / "control/socket"
        assert unix == {str(place)}, unix
        assert stat.S_IMODE(place.stat().st_mode) == 0o600 and stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        closed(server)
        readable = os.access(f"/proc/{server.pid}/mem", os.R_OK)
        assert not readable or not hits(server.pid, {"root": root})["root"]
        # Plain HTTP and a second server of the same data.
        with socket.create_connection(server.address, timeout=10) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"HTTP/1.1 200" not in line.recv(4096)
        second = command(home, "serve", "--sealed", "--listen", "127.0.0.1:0")
        assert second.returncode == 3 and "served by another process" in second.stderr, second.stderr

        assert unseal(home, 0, "--status") == {"state": "sealed", "opens": "passphrase", "shares_given": 0, "shares_needed": 0, "refused": None, "why": None}
        answer = unseal(home, 1, *wrong)
        assert (answer["state"], answer["refused"]) == ("sealed", "wrong"), answer
        # The next try waits, even a right one.
        answer = unseal(home, 1, *right)
        assert (answer["state"], answer["refused"]) == ("sealed", "too_soon"), answer
        closed(server)
        time.sleep(1.2)
        # No terminal, no file: nothing is asked, nothing opens.
        assert command(home, "unseal").returncode == 2
        # Another process has the vault: it stays sealed, and says why.
        home.env["CALLVAULT_PASSPHRASE_FILE"] = str(home.path / "right")
        link = home.invite("admin2", "admin")
        del home.env["CALLVAULT_PASSPHRASE_FILE"]
        answer = unseal(home, 0, *right)
        assert answer["state"] == "open", answer
        ready(server)
        line = server.process.stdout.readline()
        assert b'"first_administrator"' in line, line
        person = enrol(server, link, "admin2")
        assert person.ask("GET", "/").status == 200 and Person(server).ask("GET", "/sign-in").status == 200
        assert unseal(home, 0, "--status")["state"] == "open"
        found = hits(server.pid, {"root": root})["root"] if readable else ["unknown"]
        assert found, "the search does not find the key of an open vault"

        # It forgets, in the same process, on the same port.
        begun = time.monotonic()
        done = command(home, "seal", "--json")
        assert done.returncode == 0 and '"state":"sealed"' in done.stdout, done.stderr
        print(f"sealed again after {time.monotonic() - begun:.1f} s", flush=True)
        assert server.alive()
        assert b'"sealed":true' in server.process.stdout.readline()
        closed(server)
        assert sockets(server.pid)[0] == {("tcp", server.address[1])}
        if readable:
            left = hits(server.pid, {"root": root, "the passphrase": RIGHT.encode()})
            assert not any(left.values()), left
            print("memory: the root key is there while the vault is open, and 0 times after it was sealed", flush=True)

        # Shares: one at a time, by each holder; only the count is told.
        answer = unseal(home, 0, "--share-file", files[3])
        assert (answer["state"], answer["shares_given"], answer["shares_needed"]) == ("sealed", 1, 3), answer
        answer = unseal(home, 1, "--share-file", files[3])
        assert answer["refused"] == "share" and answer["shares_given"] == 1, answer
        time.sleep(1.2)
        closed(server)
        bent = shares[0][:20] + ("a" if shares[0][20] != "a" else "b") + shares[0][21:]
        answer = unseal(home, 1, "--share-file", private(home.path / "bent", bent + "\n"))
        assert answer["refused"] == "share" and answer["shares_given"] == 1, answer
        time.sleep(2.2)
        assert unseal(home, 0, "--share-file", files[0])["shares_given"] == 2
        assert unseal(home, 0, "--forget")["shares_given"] == 0
        for n, file in enumerate([files[1], files[0]]):
            assert unseal(home, 0, "--share-file", file)["shares_given"] == n + 1
        # The key file is not even there.
        key_file.rename(home.path / "away.key")
        refused = command(home, "unseal", *right)
        assert refused.returncode == 3 and "recovery share" in refused.stderr, refused.stderr
        answer = unseal(home, 0, "--share-file", files[2])
        assert answer["state"] == "open", answer
        ready(server)
        server.process.stdout.readline()
        assert person.at(server).ask("GET", "/").status == 200
        (home.path / "away.key").rename(key_file)

        # Killed while it is open: it comes back closed, and the socket of the dead one is in nobody's way.
        server.kill()
        assert command(home, "unseal", *right).returncode == 3
        server = Server(home, "--sealed")
        closed(server)
        assert server.stop(30) == 0
        assert not (home.data / "control/socket").exists()
        server = Server(home, "--sealed")
        code, screen = typed(home, WRONG)
        assert code == 1 and "passphrase of the key file:" in screen and "does not open" in screen, (code, screen)
        time.sleep(1.2)
        code, screen = typed(home, shares[1], "--share")
        assert code == 0 and "1 of 3 shares" in screen, (code, screen)
        code, screen = typed(home, RIGHT)
        assert code == 0 and "the vault is open" in screen, (code, screen)
        ready(server)
        log = server.log.read_text(errors="replace")
        for secret in [RIGHT, WRONG, *shares, bent]:
            assert secret not in log, "the log holds what opens the vault"
        server.stop()
        home.env["CALLVAULT_PASSPHRASE_FILE"] = str(home.path / "right")
        home.run("verify")
        print("sealed start, unseal by passphrase and by shares, seal, kill: as documented", flush=True)
    finally:
        if server.alive():
            server.kill()
        home.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
