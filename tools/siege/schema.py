#!/usr/bin/env python3
"""Sends what docs/openapi.json allows and what it does not, as every role and as a service, to a real server over a filled vault:
no answer that the document does not know, and no failure inside.

    tools/siege/schema.py --install          makes the environment, pinned, in the cache home
    tools/siege/schema.py [--seconds 60] [--examples 3] [--seed 1] [--roles admin,auditor]

A run is the same for the same seed. Exits 1 with schemathesis's own report of each role that failed."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vault import ORIGIN, ROLES, TREE, Home, Person, Server, enrol

PINS = Path(__file__).resolve().parent / "requirements.txt"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"


def cache():
    version = re.search(r"^schemathesis==(.+)$", PINS.read_text(), re.M).group(1)
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "callvault" / f"schemathesis-{version}"


def install():
    """Once; a second run finds it."""
    if (cache() / "bin/schemathesis").exists():
        return
    cache().parent.mkdir(parents=True, exist_ok=True)
    venv.create(cache(), with_pip=True, clear=True)
    subprocess.run([cache() / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", PINS], check=True)


def staff(home):
    """One person a role, and others whom nobody is tested as: what the tested ones may take from each other would end the run."""
    # A start of the server invites `admin` anew while nobody has come in.
    logins = {role: f"{role.replace('_', '.')}.one" for role in ROLES} | {"second": "second", "officer": "officer", "victim": "victim"}
    roles = {role: role for role in ROLES} | {"second": "compliance", "officer": "privacy_officer", "victim": "agent"}
    links = {name: home.invite(login, roles[name]) for name, login in logins.items()}
    server = Server(home)
    return server, {name: enrol(server, links[name], logins[name]) for name in links}


def made(answer):
    if answer.status not in (200, 201):
        raise AssertionError(f"the vault could not be filled: {answer.status} {answer.text()[:300]}")
    return answer.json()


def things(people, report):
    """Ids of things that exist, by the beginning of the addresses that name them."""
    second, officer, victim, admin = (people[n] for n in ["second", "officer", "victim", "admin"])
    calls = made(officer.ask("GET", "/api/v1/conversations?state=recorded&limit=200"))["conversations"]
    text = next(c["id"] for c in calls if c["channel"] == "email")
    voice = next(c["id"] for c in calls if c["channel"] == "voice")
    stuck = made(officer.ask("GET", "/api/v1/quarantine"))["conversations"][0]["id"]
    findings = [f for c in calls for f in made(officer.ask("GET", f"/api/v1/conversations/{c['id']}?purpose=legal"))["findings"]]
    token = next(f["token"] for f in findings if f["token"] and f["entity"] == "CREDIT_CARD")
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * 86_400))
    wish = {"act": "play_muted", "target_kind": "conversation", "target": voice, "purpose": "service", "minutes": 30, "reason": "a complaint"}
    service = made(admin.ask("POST", "/api/v1/services", {"login": "pbx", "name": "A switchboard"}))["id"]
    scopes = ["see_overview", "list_conversations", "read_masked", "see_quarantine", "upload", "read_certificates"]
    key = made(admin.ask("POST", "/api/v1/api-keys", {"service": service, "scopes": scopes, "days": 1}))
    spare = made(admin.ask("POST", "/api/v1/api-keys", {"service": service, "scopes": ["see_overview"], "days": 1}))
    hold = made(second.ask("POST", "/api/v1/holds", {"target_kind": "conversation", "target": voice, "matter": "a claim", "review": day}))
    grant = made(victim.ask("POST", "/api/v1/grants", wish))
    reveal = made(officer.ask("POST", "/api/v1/reveals", {"token": token, "purpose": "legal", "reason": "the court asks"}))
    decision = made(second.ask("POST", "/api/v1/decisions", {"report": report, "cooling_days": 3000}))
    upload = made(people["supervisor"].ask("POST", "/api/v1/uploads", {"channel": "email", "length": 40, "name": "a.eml"}))
    account = made(victim.ask("GET", "/api/v1/session"))["account"]
    subject = made(officer.ask("GET", "/api/v1/subjects"))["subjects"][0]["id"]
    return key["key"], {
        "conversations": voice, "quarantine": stuck, "keep-marks": text, "holds": hold["id"], "grants": grant["id"], "reveals": reveal["id"],
        "decisions": decision["id"], "uploads": upload["id"], "accounts": account, "api-keys": spare["id"], "subjects": subject,
    }


def settings(known):
    """Real ids for most requests, so that they come further than to *nothing is there*."""
    lines = []
    for name, thing in known.items():
        lines += ["[[operations]]", f'include-path-regex = "^/api/v1/{name}/\\\\{{id\\\\}}"', f'parameters = {{ "path.id" = "{thing}" }}', ""]
    return "\n".join(lines)


def run(role, person, key, server, folder, args):
    """One role; what schemathesis says of it where it failed."""
    who = ["-H", f"Authorization: Bearer {key}"] if role == "service" else ["-H", f"Cookie: __Host-callvault={person.cookie}", "-H", f"Origin: {ORIGIN}"]
    host, port = server.address
    command = [
        cache() / "bin/schemathesis", "--config-file", folder / "schemathesis.toml", "--no-color", "run", TREE / "docs/openapi.json",
        "--url", f"https://{host}:{port}", "--tls-verify", server.home.data / "tls/certificate.pem", *who,
        "--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--mode", "all", "--max-examples", str(args.examples),
        "--seed", str(args.seed), "--generation-database", "none", "--no-shrink", "--workers", "1", "--warnings", "off", "--continue-on-failure",
        *(["--max-time", str(args.seconds)] if args.seconds else []),
    ]
    done = subprocess.run([str(c) for c in command], cwd=folder, env={**os.environ, "HOME": str(folder)}, capture_output=True, text=True, timeout=1_800)
    if args.verbose:
        print(done.stdout)
    tested = re.search(r"(\d+) generated|Test cases:\s*\n?.*?(\d+)", done.stdout)
    print(f"{role}: exit {done.returncode}, {tested.group(0).strip() if tested else 'no count'}", flush=True)
    return None if done.returncode == 0 else done.stdout + done.stderr[-2000:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--seconds", type=int, default=0, help="go on drawing for so long with each role; 0 for one round")
    parser.add_argument("--examples", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--roles", default=",".join([*ROLES, "service"]))
    parser.add_argument("--verbose", action="store_true", help="schemathesis's report of every role")
    args = parser.parse_args()
    if args.install:
        return install()
    home = Home(demo=True)
    report = home.measured()
    server, people = staff(home)
    key, known = things(people, report)
    failed = []
    with tempfile.TemporaryDirectory(prefix="callvault-schema-") as folder:
        folder = Path(folder)
        (folder / "schemathesis.toml").write_text(settings(known))
        roles = args.roles.split(",")
        # Two at a time: whoever generates the requests needs a core for itself.
        with ThreadPoolExecutor(2) as pool:
            told = pool.map(lambda role: run(role, people.get(role), key, server, folder, args), roles)
        failed += [f"==== {role}\n{said}" for role, said in zip(roles, told) if said]
        for role in roles:
            still = Person(server, people[role].cookie).ask("GET", "/api/v1/session").status if role in people else 200
            if still != 200:
                failed.append(f"==== {role}\nthe session ended on the way: the rest was asked by nobody")
    server.stop()
    log = server.log.read_text()
    if re.search("panicked|ERROR", log):
        failed.append("==== the server's log\n" + log[-3000:])
    home.run("verify", str(home.data))
    home.close()
    if failed:
        sys.exit("\n".join(failed))
    return None


if __name__ == "__main__":
    main()
