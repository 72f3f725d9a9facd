"""An independent reading of the law tables: zoneinfo, datetime and the tables as they were collected (JSON), where the
engine has packs (TOML), its own embedded zones and Kleene's logic. It shares no code and no data file with the engine.

    law_oracle.py mutate SEED COUNT   cases of fixtures/law/cases.jsonl with dates, places or one fact changed, one a
                                      line, with "expect" as this program sees it
    law_oracle.py minutes             for zone/state pairs, which minutes around clock changes and midnights are open
"""

import copy
import datetime as dt
import json
import pathlib
import random
import sys
from zoneinfo import ZoneInfo

import oracle_rules
import oracle_small

ROOT = pathlib.Path(__file__).resolve().parents[4] / "fixtures" / "law"
STATES = json.loads((ROOT / "tcpa_states.json").read_text())["states"]
UTC = dt.timezone.utc

PAIRS = [
    ("GA", "America/New_York"), ("FL", "America/Chicago"), ("TX", "America/Chicago"), ("OR", "America/Los_Angeles"),
    ("RI", "America/New_York"), ("UT", "America/Denver"), ("AZ", "America/Phoenix"), ("HI", "Pacific/Honolulu"),
    ("AK", "America/Adak"), ("IN", "America/Indiana/Indianapolis"), ("LA", "America/Chicago"), ("WA", "America/Los_Angeles"),
]

# What one fact may be instead.
WORDS = {
    "purpose": ["telemarketing", "informational", "informational_commercial", "hipaa_health_care"],
    "mode": ["live", "prerecorded", "ai_voice"],
    "line": ["wireless", "residential"],
    "dialer": ["manual", "predictive"],
    "operator_hours_policy": ["law_only", None],
    "ebr": [None, False, True, {"last_transaction": "2025-12-01"}, {"last_inquiry": "2026-05-20"}, {"last_transaction": "2023-01-01"}],
    "rnd": [None, {"response": "yes"}, {"response": "no_data"}, {"response": "no", "queried": "2026-06-01", "consent_date": None}],
    "jurisdiction": None,
    "risk": ["risk", "unlikely", "high"],
    "basis": ["consent", "contract", "legal_obligation", "legitimate_interests"],
    "objection": ["direct_marketing"],
    "holds": [[], [{"kind": "statutory_retention", "until": "2030-12-31"}], [{"kind": "legal_hold"}], [{"kind": "tax", "until": "2020-01-01"}]],
    "element": ["cvv", "pin", "track", "pan"],
    "phase": ["pre_authorization", "post_authorization"],
    "form": ["audio", "disk_encryption_only", "index_token", "sha256_unkeyed", "truncated_8_4_16digit", "vault_token", "hmac_keyed"],
    "media": ["fixed", "removable"],
    "tier": ["archive", "archive_offline", "hot"],
    "moveOn": ["CompletedAndPassed", "CompletedOrPassed", "Passed", "Completed"],
    "verbs": [["completed"], ["passed"], ["failed"], ["completed", "passed"], ["waived"], []],
    "assessment": [None, {"nature": "low", "recipient": "bound by HIPAA", "acquired": True, "mitigated": True}],
    "field": ["age", "birth_date", "admission_date", "zip", "city", "state", "phone", "ip", "voice_recording"],
    "party_states": [["TX", "OH"], ["TX", "CA"], ["NY", None], ["CT"], ["OR", "VT"], ["MI", "NY"], ["WA"], []],
}
VALUES = {"age": [0, 45, 89, 90, 104], "birth_date": ["1930-05-04", "1950-01-31", "1936-11-24", "1936-11-22", "2001-02-03"],
          "admission_date": ["2026-03-04", "1999-12-31"], "zip": ["10001-1234", "06390", "03601", "20301", "90210", "36920"],
          "city": ["Austin"], "state": ["TX"], "phone": ["+1-212-555-0123"], "ip": ["203.0.113.9"], "voice_recording": ["call-7.wav"]}


def date_shift(text, days):
    if "T" in text:
        at = dt.datetime.fromisoformat(text.replace("Z", "+00:00")) + dt.timedelta(days=days)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (dt.date.fromisoformat(text) + dt.timedelta(days=days)).isoformat()


def is_date(value):
    return isinstance(value, str) and len(value) in (10, 20) and value[:2] in ("19", "20") and value[4:5] == "-"


def shift_all(value, days):
    if isinstance(value, dict):
        return {k: shift_all(v, days) for k, v in value.items()}
    if isinstance(value, list):
        return [shift_all(v, days) for v in value]
    return date_shift(value, days) if is_date(value) else value


def another(rng, case, name):
    """One fact changed, by its kind."""
    value = case["input"][name]
    if name == "jurisdiction":
        if case["engine"] == "breach":
            return rng.choice(sorted(oracle_rules.BREACH))
        return rng.choice(["EU", "UK", "US-CA"]) if case["input"]["action"] == "dsr_deadline" else "US-CA"
    if name == "value" and case["input"]["action"] == "safe_harbor":
        return rng.choice(VALUES[case["input"]["field"]])
    if WORDS.get(name):
        return copy.deepcopy(rng.choice(WORDS[name]))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(0, value + rng.choice([-300, -2, -1, 1, 2, 300]))
    if isinstance(value, float):
        return max(0.0, value + rng.choice([-1.0, -0.25, 0.25, 1.0]))
    if is_date(value):
        return date_shift(value, rng.choice([-400, -40, -7, -1, 1, 7, 40, 400]))
    if isinstance(value, dict):
        inner = rng.choice(sorted(value))
        changed = copy.deepcopy(value)
        if isinstance(changed[inner], bool):
            changed[inner] = not changed[inner]
        elif is_date(changed[inner]):
            changed[inner] = date_shift(changed[inner], rng.choice([-400, 400]))
        elif inner == "revoked":
            changed[inner] = "2026-01-20"
        else:
            changed[inner] = None
        return changed
    return value


def mutate(rng, base):
    case = copy.deepcopy({k: base[k] for k in ("engine", "as_of", "input")})
    kind = rng.choice(["dates", "place", "fact", "fact", "hour"])
    facts = case["input"]
    if kind == "dates":
        days = rng.randrange(-500, 500)
        case = shift_all(case, days)
    elif kind == "hour" and "at" in facts:
        at = dt.datetime.fromisoformat(facts["at"].replace("Z", "+00:00")) + dt.timedelta(minutes=rng.randrange(-900, 900))
        facts["at"] = case["as_of"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    elif kind == "place" and "candidate_states" in facts:
        state = rng.choice(sorted(STATES))
        facts["candidate_states"] = [state]
        facts["candidate_zones"] = STATES[state]["time_zones"]
        facts.pop("known_address_state", None)
        facts.pop("called_npa", None)
        if rng.random() < 0.3:
            other = rng.choice(sorted(STATES))
            facts["candidate_states"].append(other)
            facts["candidate_zones"] = facts["candidate_zones"] + STATES[other]["time_zones"]
    else:
        names = [n for n in facts if n not in ("action", "at", "candidate_states", "candidate_zones", "called", "text", "law", "rule")]
        if not names:
            return case
        name = rng.choice(sorted(names))
        if name == "field":
            facts["field"] = rng.choice(WORDS["field"])
            facts["value"] = rng.choice(VALUES[facts["field"]])
        else:
            facts[name] = another(rng, case, name)
    return case


def run_mutate(seed, count):
    rng = random.Random(seed)
    bases = [json.loads(l) for l in (ROOT / "cases.jsonl").read_text().splitlines()]
    made = 0
    while made < count:
        if rng.random() < 0.15:
            small = oracle_small.case(rng)
            if small:
                print(json.dumps({"id": f"m{made}", **small[0], "expect": small[1]}))
                made += 1
            continue
        case = mutate(rng, rng.choice(bases))
        if rng.random() < 0.3:
            case = mutate(rng, case)
        expect = oracle_rules.answer(case)
        if expect is None:
            continue
        print(json.dumps({"id": f"m{made}", **case, "expect": expect}))
        made += 1


def run_minutes():
    """Whole days of both clock changes of 2026, and four hours around three midnights, minute by minute."""
    spans = [("2026-03-07T22:00", 1800), ("2026-10-31T22:00", 1800), ("2025-12-31T22:00", 240), ("2026-06-13T22:00", 240), ("2026-06-14T22:00", 240)]
    for state, zone in PAIRS:
        tz = ZoneInfo(zone)
        for start, minutes in spans:
            first = dt.datetime.fromisoformat(start).replace(tzinfo=tz).astimezone(UTC)
            open_ = "".join(
                "1" if oracle_rules.hours_open(state, [zone], first + dt.timedelta(minutes=m)) else "0" for m in range(minutes)
            )
            print(json.dumps({"state": state, "zone": zone, "start": first.strftime("%Y-%m-%dT%H:%M:%SZ"), "open": open_}))


if __name__ == "__main__":
    if sys.argv[1] == "mutate":
        run_mutate(int(sys.argv[2]), int(sys.argv[3]))
    else:
        run_minutes()
