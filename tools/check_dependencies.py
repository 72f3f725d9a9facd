#!/usr/bin/env python3
"""Applies the rules of deny.toml (licences, bans, sources) to the locked dependency tree, without network.

`just deny` runs cargo-deny itself, which also knows advisories; this keeps the same rules in every test run
without compiling it first. Prints one line per violation and exits 1."""
import json, re, subprocess, sys, tomllib

rules = tomllib.load(open("deny.toml", "rb"))
tree = json.loads(subprocess.check_output(
    ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"], stderr=subprocess.DEVNULL))
allowed = set(rules["licenses"]["allow"])
banned = {d["name"] for d in rules["bans"]["deny"]}
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
    name = f'{package["name"]} {package["version"]}'
    if package["name"] in banned:
        bad.append(f"{name} is banned")
    if package["source"] and not package["source"].startswith("registry+"):
        bad.append(f'{name} comes from {package["source"].split("+")[0]}, not from a registry')
    if not package["license"] or not satisfied(package["license"]):
        bad.append(f'{name}: licence {package["license"]!r} is not allowed')
print("\n".join(bad) or f'dependencies: {len(tree["packages"])} packages keep the rules of deny.toml')
sys.exit(bool(bad))
