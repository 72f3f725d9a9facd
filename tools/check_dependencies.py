#!/usr/bin/env python3
"""Applies the rules of deny.toml (licences, bans, sources) to the locked dependency tree, without network.

`just deny` runs cargo-deny itself, which also knows advisories; this keeps the same rules in every test run
without compiling it first. Prints one line per violation and exits 1."""
import json, re, subprocess, sys, tomllib

rules = tomllib.load(open("deny.toml", "rb"))
tree = json.loads(subprocess.check_output(
    ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"], stderr=subprocess.DEVNULL))
allowed = set(rules["licenses"]["allow"])
banned = {d["name"]: set(d.get("wrappers", [])) for d in rules["bans"]["deny"]}
name_of = {p["id"]: p["name"] for p in tree["packages"]}
# `cargo metadata` also names optional packages that a weak feature (`ring?/std`) mentions and nothing compiles.
compiled = {line.split()[0] for line in subprocess.check_output(
    ["cargo", "tree", "--workspace", "--all-features", "--locked", "--target", "all", "--edges", "all",
     "--prefix", "none", "--format", "{p}"], text=True, stderr=subprocess.DEVNULL).splitlines() if line}
users = {}
for node in tree["resolve"]["nodes"]:
    for used in node["dependencies"]:
        if name_of[used] not in compiled:
            continue
        users.setdefault(name_of[used], set()).add(name_of[node["id"]])
bad = []


def satisfied(expression):
    """SPDX: AND needs both sides, OR needs one; WITH keeps the licence it extends."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def either():
        ok = both()
        while words and words[0] == "OR":
            words.pop(0)
            ok = both() or ok
        return ok

    def both():
        ok = one()
        while words and words[0] == "AND":
            words.pop(0)
            ok = one() and ok
        return ok

    def one():
        word = words.pop(0)
        if word == "(":
            ok = either()
            words.pop(0)
            return ok
        ok = word in allowed
        if words and words[0] == "WITH":
            words.pop(0)
            words.pop(0)
        return ok

    return either()


for package in tree["packages"]:
    if package["name"] not in compiled:
        continue
    name = f'{package["name"]} {package["version"]}'
    if package["name"] in banned:
        # A wrapper may use what is banned for everybody else.
        for user in sorted(users.get(package["name"], {"somebody"}) - banned[package["name"]]):
            bad.append(f"{name} is banned, and {user} uses it")
    if package["source"] and not package["source"].startswith("registry+"):
        bad.append(f'{name} comes from {package["source"].split("+")[0]}, not from a registry')
    if not package["license"] or not satisfied(package["license"]):
        bad.append(f'{name}: licence {package["license"]!r} is not allowed')
print("\n".join(bad) or f'dependencies: {len(tree["packages"])} packages keep the rules of deny.toml')
sys.exit(bool(bad))
