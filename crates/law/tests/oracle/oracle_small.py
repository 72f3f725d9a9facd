"""The small engines: each case is made here from scratch, with the answer by a second reading of the law."""
import datetime as dt

DAY = dt.timedelta(days=1)


def earliest(rng):
    start = dt.datetime(2026, 3, 1, 9, tzinfo=dt.timezone.utc) + rng.randrange(0, 400) * DAY
    # Individuals: number of days, or None where the law names none. Hours for the GDPR.
    known = {"US-CA": 30, "US-TX": 60, "US-WA": 30, "US-FL": 30, "US-NY": 30, "US-OH": 45, "US-GA": None, "HIPAA": 60, "GDPR-33": 3, "GDPR-33-omnibus": None}
    names = rng.sample(sorted(known), rng.randrange(1, 5))
    ends = []
    for n in names:
        if known[n] is None:
            continue
        ends.append((start + 3 * DAY, n, (start + 3 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")) if n == "GDPR-33"
                    else (dt.datetime.combine(start.date() + (known[n] + 1) * DAY, dt.time(), dt.timezone.utc), n, (start.date() + known[n] * DAY).isoformat()))
    first = min(ends, key=lambda e: e[0]) if ends else (None, None, None)
    facts = {"clocks": names, "discovered": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "residents": 1}
    ties = [e for e in ends if e[0] == first[0]]
    if len(ties) > 1:
        return None
    return "breach", "earliest", facts, {"first": first[1], "due": first[2]}


def pipeda(rng):
    risk = rng.choice([True, False, None])
    word = {True: "report", False: "record_only", None: "review"}[risk]
    return "breach", "pipeda_record", {"real_risk": risk}, {"decision": word, "retain_months": 24}


CONTROLLER = {"controller_contact", "purposes", "categories_of_subjects", "categories_of_data", "recipients", "retention", "security"}
PROCESSOR = {"processor_contact", "controllers", "categories_of_processing", "security"}


def ropa(rng):
    role = rng.choice(["controller", "processor"])
    need = CONTROLLER if role == "controller" else PROCESSOR
    fields = [f for f in sorted(CONTROLLER | PROCESSOR | {"transfers"}) if rng.random() < 0.85]
    return "gdpr", "validate_ropa", {"role": role, "fields": fields}, {"decision": "complete" if need <= set(fields) else "incomplete"}


def special(rng):
    data = rng.choice(["health", "biometric", "religion", "sexuality", "genetic"])
    art6 = rng.choice(["consent", "contract", "legitimate_interests", None, "because"])
    art9 = rng.choice(["explicit_consent", "health_care", "legal_claims", None, "contract"])
    good = art6 in ("consent", "contract", "legitimate_interests") and art9 in ("explicit_consent", "health_care", "legal_claims")
    return "gdpr", "process_special_category", {"data": data, "art6": art6, "art9": art9}, {"decision": "allow" if good else "deny"}


def fee(rng):
    much = rng.random() < 0.5
    return "gdpr", "fee", {"request_no_last_12m": rng.randrange(1, 40), "manifestly_excessive": much}, {"decision": "fee_or_refuse" if much else "free"}


def late(rng):
    aware = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(minutes=rng.randrange(0, 500_000))
    told = aware + dt.timedelta(minutes=rng.choice([1, 4319, 4320, 4321, 9000]))
    why = rng.choice([None, "", " ", "forensics", ["law enforcement"], []])
    said = isinstance(why, str) and why.strip() or isinstance(why, list) and why
    word = "on_time" if told - aware <= dt.timedelta(hours=72) else "complete" if said else "incomplete"
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    return "gdpr", "breach_late", {"aware": aware.strftime(stamp), "notified": told.strftime(stamp), "reasons": why}, {"decision": word}


def item(rng):
    out = ["treatment", "payment", "operations", "to_individual", "authorization", "incidental", "limited_data_set", "national_security", "correctional"]
    into = ["public_health", "court_order", "research_waiver", "impermissible_disclosure", "law_enforcement", "health_oversight", "abuse_report"]
    p = rng.choice(out + into)
    return "hipaa", "accounting_item", {"purpose": p}, {"decision": "exclude" if p in out else "include"}


def minimum(rng):
    p = rng.choice(["treatment", "billing", "operations", "to_individual", "quality", "required_by_law"])
    r = rng.choice(["full_record", "full_transcript", "invoice_lines", "last_visit"])
    free = p in ("treatment", "to_individual", "required_by_law") or not r.startswith("full")
    return "hipaa", "minimum_necessary", {"purpose": p, "requested": r, "role": "billing_agent"}, {"decision": "allow" if free else "reduce"}


def vendor(rng):
    baa = rng.choice([None, "", "signed 2026-01-05", {"signed": "2026-01-05"}, False, True])
    return "hipaa", "send_phi_to_vendor", {"baa": baa}, {"decision": "allow" if baa else "deny"}


def luhn_digit(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return str(-total % 10)


def card(rng):
    body = rng.choice(["411111", "555555", "601100", "353011"]) + "".join(rng.choice("0123456789") for _ in range(9))
    return body + luhn_digit(body)


def display(rng):
    pan = card(rng)
    full = rng.random() < 0.3
    return "pci", "display", {"pan": pan, "need_full": full}, {"output": pan if full else pan[:6] + "*" * 6 + pan[-4:]}


def detect(rng):
    pan = card(rng)
    if rng.random() < 0.5:
        wrong = pan[:-1] + str((int(pan[-1]) + rng.randrange(1, 10)) % 10)
        return "pci", "detect_pan", {"text": f"order {wrong} please"}, {"decision": "not_pan"}
    sep = rng.choice(["", " ", "-"])
    shown = sep.join(pan[i:i + 4] for i in range(0, 16, 4))
    return "pci", "detect_pan", {"text": f"card {shown} thanks"}, {"decision": "pan", "masked": pan[:6] + "*" * 6 + pan[-4:]}


def consent_record(rng):
    need = ["name", "phone", "copy_of_request", "purpose", "copy_of_consent", "date"]
    fields = [f for f in need + ["billing"] if rng.random() < 0.85]
    rng.shuffle(fields)
    gone = [n for n in need if n not in fields]
    return "tcpa", "validate_consent_record", {"fields": fields}, {"decision": "incomplete" if gone else "complete", "missing": gone}


def recert(rng):
    now = dt.date(2024, 1, 1) + rng.randrange(0, 1200) * DAY
    last = now - rng.randrange(0, 900) * DAY
    due = last < dt.date(now.year, 1, 1)
    return "training", "recert", {"anchor": "calendar_january", "last": last.isoformat(), "today": now.isoformat()}, {"decision": "assign" if due else "current"}


def reassign(rng):
    keep = rng.random() < 0.5
    return "training", "reassign", {"keep_history": keep}, {"previous_completion": "kept" if keep else "removed", "current": "not_started"}


def ack(rng):
    have, now = rng.choice(["v3", "v4", None]), rng.choice(["v3", "v4"])
    return "training", "policy_ack", {"version_acked": have, "current": now}, {"decision": "allow" if have == now else "deny"}


ALL = [earliest, pipeda, ropa, special, fee, late, item, minimum, vendor, display, detect, consent_record, recert, reassign, ack]


def case(rng):
    """One case with its answer, or None where two clocks end together and either name is right."""
    made = rng.choice(ALL)(rng)
    if made is None:
        return None
    engine, action, facts, expect = made
    as_of = facts.get("discovered") or facts.get("notified") or f"{facts.get('today', '2026-11-23')}T12:00:00Z"
    return {"engine": engine, "as_of": as_of, "input": {"action": action, **facts}}, expect
