#!/usr/bin/env python3
"""Kill -9 at every step that reaches the disk. Each command runs once under strace, which counts its writes, flushes, renames and
removals; then once more for each of them, killed just before it. Afterwards the ledger must verify, no certificate may stand
without its act and no act without its entry, and the same command or `resume` must end where the unkilled run ended.

    tools/siege/points.py [--only ingest,shred,...] [--sample N] [--seed 1]

`--sample` takes N of all points. Prints one line a command, exits 1 when something is wrong, 4 where strace may not trace."""

import argparse
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from vault import TREE, Home, binary

# What changes a file, or what others see of it.
STEPS = ["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "link", "linkat"]
TEXTS = ["chats", "emails"]


class Wrong(Exception):
    """What must never be."""


def strace(home, args, *options):
    """Runs a command under strace; gives its exit code, negative when it was killed."""
    command = ["strace", "-f", "-qq", "-y", "-e", "trace=" + ",".join(STEPS), "-e", "signal=none", *options, binary(), *args]
    return subprocess.run(command, env=home.env, cwd=home.path, capture_output=True, text=True, timeout=300)


def steps(home, args):
    """How often each thread asked for each step, on files below the home; the largest count of each step."""
    log = home.path / "trace"
    done = strace(home, args, "-o", str(log))
    if done.returncode not in (0, 1):
        raise Wrong(f"the unkilled run of {args[0]} ended with {done.returncode}: {done.stderr[-800:]}")
    counts = Counter()
    for line in log.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+)\s+(\w+)\(", line)
        if found:
            counts[found.groups()] += 1
    log.unlink()
    most = Counter()
    for (_, step), count in counts.items():
        most[step] = max(most[step], count)
    return [(step, n) for step in STEPS for n in range(1, most[step] + 1)]


class Stage:
    """A vault in the state before a command, which `prepare` returns; each run gets a copy of it at the same place."""

    def __init__(self, prepare):
        self.home = Home()
        self.args = prepare(self.home)
        self.kept = Path(tempfile.mkdtemp(prefix="callvault-points-"))
        shutil.copytree(self.home.path, self.kept / "home", symlinks=True)

    def reset(self):
        for entry in self.home.path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(self.kept / "home", self.home.path, symlinks=True, dirs_exist_ok=True)
        return self.home

    def close(self):
        shutil.rmtree(self.kept)
        self.home.close()


def texts(home):
    return [str(TREE / "fixtures/demo" / folder) for folder in TEXTS]


def released(home):
    """A vault that destroys originals as soon as they are proven."""
    report = home.path / "measured.json"
    report.write_text(json.dumps(home.measured()))
    home.run("disposal", "enable", "--measured", str(report), "--cooling-days", "0")


def recorded(home):
    """The demo's texts, taken in while nothing may be destroyed."""
    home.run("ingest", *texts(home))


def first(home, state=None):
    rows = json.loads(home.run("show", "--json"))
    return next(r["id"] for r in rows if state in (None, r["state"]))


def ready_to_ingest(home):
    released(home)
    return ["ingest", *texts(home)]


def ready_to_shred(home):
    recorded(home)
    released(home)
    return ["resume"]


def ready_to_dispose(home):
    ready_to_shred(home)
    return ["dispose", "conversation", first(home, "recorded"), "--reason", "customer asked"]


def ready_to_rotate(home):
    recorded(home)
    return ["keys", "rotate"]


def ready_to_roll(home):
    recorded(home)
    return ["keys", "roll"]


def ready_to_protect(home):
    recorded(home)
    words = home.path / "words"
    words.write_text("violet harbour sextant\n")
    words.chmod(0o600)
    # Not needed before the command and needed after it: a kill between leaves either file, and both open.
    home.env["CALLVAULT_PASSPHRASE_FILE"] = str(words)
    return ["keys", "protect", "--new-passphrase-file", str(words)]


def ready_to_back_up(home):
    recorded(home)
    return ["backup", str(home.path / "vault.backup"), "--backup-key", str(home.path / "backup.key")]


def ready_to_restore(home):
    recorded(home)
    released(home)
    home.run("backup", str(home.path / "vault.backup"), "--backup-key", str(home.path / "backup.key"))
    # Destroyed after the backup: the restore has to destroy it again.
    home.run("resume")
    shutil.rmtree(home.data)
    return ["restore", str(home.path / "vault.backup"), "--backup-key", str(home.path / "backup.key")]


def ready_to_erase(home):
    recorded(home)
    released(home)
    rows = home.run("subjects")
    known = next(line.split()[0] for line in rows.splitlines() if "customer" in line and "provisional" not in line)
    return ["dispose", "subject", known, "--reason", "customer asked"]


def ready_to_end(home):
    released(home)
    home.run("tenant", "add", "acme")
    home.run("--tenant", "acme", "ingest", *texts(home))
    return ["tenant", "end", "acme", "--reason", "contract over"]


def ready_to_init(home):
    shutil.rmtree(home.data)
    (home.path / "vault.key").unlink()
    for beside in home.path.glob("vault.*"):
        shutil.rmtree(beside) if beside.is_dir() else beside.unlink()
    return ["init"]


def database(home):
    # Not read-only: what a kill left half done is rolled back by whoever opens it next.
    db = sqlite3.connect(f"file:{home.data / 'vault.db'}?mode=rw", uri=True)
    db.row_factory = sqlite3.Row
    return db


def promises(home):
    """What must hold at once, before anything is mended; read beside the program."""
    if not (home.data / "vault.db").exists():
        return
    with database(home) as db:
        tables = {r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "object" not in tables:
            return
        entries = [json.loads(r[0]) for r in db.execute("SELECT body FROM ledger_entry ORDER BY seq")]
        shredded = {e.get("conversation") for e in entries if e["kind"] == "audio.shredded"}
        # A restore and the erasure of a person tell how many keys they destroyed, not each.
        retold = sum(e["body"].get("erased_again", 0) + e["body"].get("keys", 0) for e in entries if e["kind"] in ("vault.restored", "subject.erased"))
        gone = {uuid_text(r[0]) for r in db.execute("SELECT conversation FROM object WHERE kind = 'original' AND wrapped_key IS NULL")}
        if len(gone - shredded) > retold:
            raise Wrong("an original's key is gone and no entry says so")
        if "certificate" in tables:
            alive = "SELECT COUNT(*) FROM certificate c JOIN object o ON o.conversation = c.conversation WHERE o.kind = 'original' AND o.wrapped_key IS NOT NULL"
            if db.execute(alive).fetchone()[0]:
                raise Wrong("a certificate stands for an original whose key lives")


def uuid_text(raw):
    h = raw.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def outcome(home):
    """Where a vault ends: its conversations, keys, certificates; every certificate and the ledger verified, every word readable."""
    home.run("verify")
    rows = json.loads(home.run("show", "--json"))
    for row in rows:
        if row["state"] in ("recorded", "disposed", "shredding"):
            home.run("show", row["id"])
    folder = home.path / "certificates"
    home.run("certificate", "export", str(folder))
    files = sorted(folder.glob("*.json"))
    for file in files:
        home.run("certificate", "verify", "--ledger", str(home.data), str(file))
    statements = [json.loads(f.read_text())["statement"] for f in files]
    about = {s["conversation"] for s in statements if "conversation" in s}
    ended = sorted(s["tenant"] for s in statements if "tenant" in s)
    disposed = {r["id"] for r in rows if r["state"] == "disposed"}
    # What an erasure destroyed is in the receipt of that person.
    if not about <= disposed or len(files) != len(about) + len(ended):
        raise Wrong(f"{len(disposed)} conversations are disposed of and {len(files)} certificates speak of {len(about)}")
    shutil.rmtree(folder)
    with database(home) as db:
        alive = {r[0].hex() for r in db.execute("SELECT id FROM object WHERE key_destroyed_at IS NULL")}
        keys = {n: db.execute(f"SELECT COUNT(*) FROM {n} WHERE wrapped_key IS NOT NULL").fetchone()[0] for n in ["subject", "party", "object"]}
        epochs = db.execute("SELECT COUNT(DISTINCT epoch) FROM subject WHERE wrapped_key IS NOT NULL").fetchone()[0]
    there = {p.name.split(".")[0].replace("-", "") for p in (home.data / "blobs").iterdir()}
    if there != alive:
        raise Wrong(f"{len(there - alive)} sealed files belong to nobody, {len(alive - there)} are missing")
    left = [p.name for p in Path(home.env["TMPDIR"]).iterdir()]
    if left:
        raise Wrong(f"temporary files are left: {left}")
    states = sorted((r["channel"], r["state"], r["findings"]) for r in rows)
    status = json.loads(home.run("keys", "status", "--json"))
    # A rotation that stopped half way would still retire a key.
    unfinished = (status["retiring"], status["remaining"])
    done = {"states": states, "certificates": len(files), "keys": keys, "epochs": epochs, "unfinished": unfinished}
    return {**done, "tenants": tenants(home, ended)}


def tenants(home, certified):
    """How many tenants stand how: those that live open, of those that ended there is a certificate and nothing else."""
    rows = json.loads(home.run("tenant", "list", "--json"))
    if certified != sorted(t["id"] for t in rows if t["state"] == "ended"):
        raise Wrong(f"{len(certified)} certificates of tenants, which stand as {[t['state'] for t in rows]}")
    for tenant in rows:
        lies = (home.data / "tenants" / tenant["name"]).exists() or any(tenant["id"] in p.name for p in home.path.iterdir())
        if tenant["state"] == "live":
            home.run("--tenant", tenant["name"], "show")
        elif lies or tenant["state"] != "ended":
            raise Wrong(f"a tenant is {tenant['state']} and something of it lies there: {lies}")
    return sorted(t["state"] for t in rows)


def again(home, args):
    """What a person does after a crash: the same once more, then what is unfinished."""
    done = subprocess.run([binary(), *args], env=home.env, cwd=home.path, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr


def finish_work(home, args):
    code, said = again(home, args)
    if code not in (0, 1):
        raise Wrong(f"{args[0]} a second time ended with {code}: {said[-600:]}")
    home.run("resume", ok=(0, 1))


def finish_protect(home, args):
    home.run("show")
    finish_work(home, args)
    left = [p.name for p in home.path.iterdir() if p.name.endswith((".next", ".new"))]
    if left:
        raise Wrong(f"drafts of the key file are left: {left}")


def finish_backup(home, args):
    target = Path(args[1])
    if target.exists():
        # Whole or not there: what stands under the name must be a backup.
        home.run("backup", "verify", str(target), "--backup-key", args[3])
    else:
        finish_work(home, args)
        home.run("backup", "verify", str(target), "--backup-key", args[3])
    left = [p.name for p in target.parent.iterdir() if p.name.startswith(target.name) and p != target]
    if left:
        raise Wrong(f"half a backup is left: {left}")


def finish_new(home, args):
    """A new vault or a restore: once more, and what was begun is finished, stands whole, or is named with its cure."""
    code, said = again(home, args)
    probe = again(home, ["resume"])
    if probe[0] in (0, 1):
        return
    if "take the unfinished one away" not in said:
        raise Wrong(f"{args[0]} a second time ended with {code} and names no cure: {said[-600:]}; resume: {probe[1][-400:]}")
    shutil.rmtree(home.data.with_name(home.data.name + ".restoring"))
    finish_work(home, args)


COMMANDS = {
    "init": (ready_to_init, finish_new),
    "ingest": (ready_to_ingest, finish_work),
    "shred": (ready_to_shred, finish_work),
    "dispose": (ready_to_dispose, finish_work),
    "erase": (ready_to_erase, finish_work),
    "tenant": (ready_to_end, finish_work),
    "rotate": (ready_to_rotate, finish_work),
    "roll": (ready_to_roll, finish_work),
    "protect": (ready_to_protect, finish_protect),
    "backup": (ready_to_back_up, finish_backup),
    "restore": (ready_to_restore, finish_new),
}


def kill_at(home, args, step, n):
    """Kills a command before its n-th step of a kind; says whether that met it at work."""
    done = strace(home, args, "-o", "/dev/null", "-e", f"inject={step}:signal=SIGKILL:when={n}")
    return done.returncode not in (0, 1)


def besiege(name, sample, rng):
    prepare, finish = COMMANDS[name]
    stage = Stage(prepare)
    wrong, killed = [], 0
    try:
        args = stage.args
        points = steps(stage.reset(), args)
        stage.home.run("resume", ok=(0, 1))
        wanted = outcome(stage.home)
        chosen = points if sample is None else sorted(rng.sample(points, min(sample, len(points))), key=points.index)
        for step, n in chosen:
            try:
                home = stage.reset()
                killed += kill_at(home, args, step, n)
                promises(home)
                finish(home, args)
                got = outcome(home)
                if got != wanted:
                    raise Wrong(f"ends as {got}, the unkilled run as {wanted}")
            except (Wrong, AssertionError) as e:
                wrong.append(f"{name}, before {step} {n}: {e}")
        print(f"{name}: {len(points)} points, {killed} of {len(chosen)} kills met it at work, {len(wrong)} wrong", flush=True)
        return len(chosen), killed, wrong
    finally:
        stage.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(COMMANDS))
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    probe = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True) if shutil.which("strace") else None
    if probe is None or probe.returncode != 0:
        print(f"skipped: {'strace is not installed' if probe is None else 'strace may not trace here: ' + probe.stderr.strip()[-200:]}")
        sys.exit(4)
    total, killed, wrong = 0, 0, []
    for name in given.only.split(","):
        chosen, met, bad = besiege(name, given.sample, rng)
        total, killed, wrong = total + chosen, killed + met, wrong + bad
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"{total} kills, {killed} while at work, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
