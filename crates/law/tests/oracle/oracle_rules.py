"""The oracle's own reading of each action: what must stand in the answer, or None where it has no opinion."""

import calendar
import datetime as dt
import json
import pathlib
from zoneinfo import ZoneInfo

ROOT = pathlib.Path(__file__).resolve().parents[4] / "fixtures" / "law"
STATES = json.loads((ROOT / "tcpa_states.json").read_text())["states"]
BREACH = {c["jurisdiction"]: c for c in json.loads((ROOT / "breach_clocks.json").read_text())["clocks"] if "individuals" in c}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
UTC = dt.timezone.utc
# The day from which a state's own hours or cap bind, where that lies in the range of the mutations.
SINCE = {"OR": "2026-01-01", "OK": "2022-11-01", "FL": "2021-07-01", "MD": "2024-01-01"}
# The same for texts, where a state covered calls long before.
SINCE_TEXT = {"TX": "2025-09-01"}
# Sunday and holiday rules that a consented call escapes when the operator wants only the law.
LIFTED = {"VA", "UT", "NY", "RI", "PA"}
FEDERAL_HOLIDAYS_FROM_DATA = {"AL", "LA", "PA", "RI", "UT"}


def instant(text):
    if len(text) == 10:
        text += "T00:00:00Z"
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def day(text):
    return instant(text).date()


def months(d, n):
    y, m = divmod(d.year * 12 + d.month - 1 + n, 12)
    return dt.date(y, m + 1, min(d.day, calendar.monthrange(y, m + 1)[1]))


def business(d, n, holidays=()):
    while n:
        d += dt.timedelta(days=1)
        n -= d.weekday() < 5 and d.isoformat() not in holidays
    return d


def rolled(d, holidays):
    while d.weekday() > 4 or d.isoformat() in holidays:
        d += dt.timedelta(days=1)
    return d


def z(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# ---------------------------------------------------------------- telephone

def inside(hours, local):
    span = hours[DAYS[local.weekday()]]
    return span is not None and span[0] <= local.strftime("%H:%M") < span[1]


def locals_of(zones, at):
    return [at.astimezone(ZoneInfo(z)) for z in zones]


def hours_open(state, zones, at, lifted=False, text=False):
    """Federal and state window, in every zone."""
    row = STATES[state]
    here = locals_of(zones, at)
    federal = all(8 <= l.hour < 21 for l in here)
    if row["hours_basis"] == "federal" or max(l.date() for l in here).isoformat() < (SINCE_TEXT if text and state in SINCE_TEXT else SINCE).get(state, "0"):
        return federal or lifted
    if row.get("zone_override"):
        return (federal or lifted) and inside(row["hours"], at.astimezone(ZoneInfo(row["zone_override"])))
    own = all(inside(row["hours"], l) for l in here)
    same = all(row["hours"][d] == ["08:00", "21:00"] for d in DAYS)
    return (federal or lifted) and (own or same and lifted or lifted and state in LIFTED)


def good(consent, facts, today, written, disclosed=True):
    if not isinstance(consent, dict) or "revoked" not in consent or not consent.get("given"):
        return False
    if day(consent["given"]) > today or (consent["revoked"] and day(consent["revoked"]) <= today):
        return False
    if not written:
        phone_ok = not consent.get("phone") or not facts.get("called") or consent["phone"] == facts["called"]
        names = (consent.get("sellers_listed") or []) + [consent.get("seller")]
        return phone_ok and (names == [None] or not facts.get("seller") or facts["seller"] in names)
    sellers = (consent.get("sellers_listed") or []) + [consent.get("seller")]
    return bool(
        consent.get("kind") == "prior_express_written" and consent.get("signature")
        and (not disclosed or consent.get("disclosure_autodialer") is True and consent.get("disclosure_not_condition") is True)
        and facts.get("called") and consent.get("phone") == facts["called"]
        and facts.get("seller") and facts["seller"] in sellers
    )


def relation(ebr, today):
    if isinstance(ebr, dict):
        last, ask = ebr.get("last_transaction"), ebr.get("last_inquiry")
        return bool(last and day(last) <= today <= months(day(last), 18) or ask and day(ask) <= today <= months(day(ask), 3))
    return ebr is True


def outbound(facts, text):
    need = ("purpose", "at", "candidate_states", "candidate_zones")
    if any(facts.get(n) in (None, []) for n in need) or facts.get("internal_dnc") is not False:
        return "deny"
    at = instant(facts["at"])
    if facts.get("internal_dnc_requested") and day(facts["internal_dnc_requested"]) <= max(l.date() for l in locals_of(facts["candidate_zones"], at)):
        return "deny"
    zones, states = list(facts["candidate_zones"]), list(facts["candidate_states"])
    if facts.get("known_address_state"):
        states.append(facts["known_address_state"])
    if facts.get("called_npa") in ("850", "305"):
        states.append("FL")
        zones += ["America/New_York"] + (["America/Chicago"] if facts["called_npa"] == "850" else [])
    elif facts.get("called_npa"):
        zones, states = zones + ["America/New_York"], states + ["NY"]
    here = locals_of(zones, at)
    today = max(l.date() for l in here)
    selling = facts["purpose"] == "telemarketing"
    recorded = not text and facts.get("mode") != "live"
    hand = facts.get("dialer") == "manual"
    home = facts.get("line") == "residential"
    consent = facts.get("consent")
    pewc, express = good(consent, facts, today, True), good(consent, facts, today, False)
    for c in facts.get("consents") or []:
        if c.get("topic") == facts.get("topic") and good(c, {}, today, False):
            express = True
    ebr = relation(facts.get("ebr"), today)
    lifted = facts.get("operator_hours_policy") == "law_only" and express
    warn = False
    withdrawn = isinstance(consent, dict) and consent.get("revoked") and day(consent["revoked"]) <= today
    renewed = withdrawn and consent.get("given") and day(consent["revoked"]) < day(consent["given"]) <= today
    if withdrawn and not renewed and not (not selling and facts.get("mode") == "live"):
        return "deny"
    gone = [c for c in facts.get("consents") or [] if c.get("revoked") and day(c["revoked"]) <= today]
    gone = [c for c in gone if not (c.get("given") and day(c["revoked"]) < day(c["given"]) <= today)]
    date = today.isoformat()
    if any(c.get("topic") in (None, facts.get("topic")) for c in gone) and date >= "2025-04-11":
        return "deny"
    if gone and (date >= "2027-01-31" or facts.get("clarification_sent") is True and facts.get("clarification_reply") in (None, "", []) and date >= "2024-04-04"):
        return "deny"
    rnd = facts.get("rnd")
    if rnd and rnd.get("response") == "yes":
        return "deny"
    if not selling:
        if not home and (recorded or not hand) and not express:
            return "deny"
        if recorded and not express:
            if facts["purpose"] == "hipaa_health_care":
                if date >= "2023-07-20" and (facts.get("prior_calls_today", 9) >= 1 or facts.get("prior_calls_7d", 9) >= 3):
                    return "deny"
            elif home and date >= "2023-07-20" and facts.get("prior_calls_30d", 9) >= 3:
                return "deny"
            if home and date >= "2023-07-20" and facts.get("has_optout_mechanism") is not True:
                return "deny"
        if facts["purpose"] == "informational_commercial" and recorded and not adad_open(states, zones, at, facts):
            return "deny"
        return "allow"
    # Telemarketing from here on.
    if (recorded or not hand and not home) and not pewc:
        return "deny"
    if recorded and (facts.get("has_optout_mechanism") is not True or not adad_open(states, zones, at, facts)):
        return "deny"
    exempt = facts.get("b2b") is True or good(consent, facts, today, True, False) or ebr
    scrubbed = facts.get("registry_version_date")
    fresh = scrubbed and 0 <= (today - day(scrubbed)).days <= 31
    if not exempt and (facts.get("national_dnc") is not False or not fresh):
        return "deny"
    for state in states:
        row = STATES[state]
        if not hours_open(state, zones, at, lifted, text):
            return "deny"
        if not hours_open(state, zones, at, False, text):
            warn = True
        since = SINCE.get(state, "0") <= date
        if row["holidays_banned"] and not (lifted and state in LIFTED) and any(holiday(state, l.date(), facts) for l in here):
            return "deny"
        if row["holidays_banned"] and lifted and any(holiday(state, l.date(), facts) for l in here):
            warn = True
        cap = row["frequency"]
        if cap and since and facts.get("attempts_last_24h", 99) >= cap["max"] and not (cap["exempt_ebr"] and ebr):
            if "subject" not in cap["scope"] or facts.get("same_subject") is not False:
                return "deny"
        if row["emergency_ban"] and not (state == "NY" and (express or ebr)):
            for e in facts.get("emergencies") or []:
                same = not facts.get("known_county") or e.get("county") in (None, facts["known_county"])
                if e.get("state") == state and same and any(day(e["from_"]) <= l.date() <= day(e["to"]) for l in here):
                    return "deny"
        if state == "CT" and date >= "2023-10-01" and not pewc:
            return "deny"
        if state in ("FL", "MD", "OK") and since and (not hand or recorded) and not pewc:
            return "deny"
        if state == "NJ" and text and not express:
            return "deny"
        if state == "ME" and date >= "2024-07-16" and not (express or ebr) and not (rnd and rnd.get("response") in ("no", "no_data")):
            return "deny"
    if recorded and rnd and rnd.get("response") == "no_data":
        warn = True
    return "allow_with_warning" if warn else "allow"


def adad_open(states, zones, at, facts):
    here = locals_of(zones, at)
    for state in states:
        hours = STATES[state]["adad_hours"]
        if hours and not all(inside(hours, l) for l in here):
            return False
        if state == "ME" and facts["purpose"] == "telemarketing" and not all(l.weekday() < 5 and 9 <= l.hour < 17 for l in here):
            return False
        if state == "NE" and any(holiday("NE", l.date(), facts) and not 13 <= l.hour < 21 for l in here):
            return False
    return True


def nth(year, month, weekday, n):
    days = [d for d in calendar.Calendar().itermonthdates(year, month) if d.month == month and d.weekday() == weekday]
    return days[n]


def easter(y):
    """Butcher's algorithm in the form of Spencer Jones."""
    a, b, c = y % 19, y // 100, y % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    l = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * l) // 451
    q, r = divmod(h + l - 7 * m + 114, 31)
    return dt.date(y, q, r + 1)


def holiday(state, d, facts):
    if d.isoformat() in (facts.get("holidays_local") or []):
        return True
    y = d.year
    fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
    fixed += {"LA": [(1, 8), (1, 19), (11, 1)], "UT": [(7, 24)]}.get(state, [])
    moving = [nth(y, 1, 0, 2), nth(y, 2, 0, 2), nth(y, 5, 0, -1), nth(y, 9, 0, 0), nth(y, 10, 0, 1), nth(y, 11, 3, 3)]
    moving += {"LA": [easter(y) - dt.timedelta(days=n) for n in (47, 2)], "PA": [easter(y) - dt.timedelta(days=2)],
               "AL": [nth(y, 4, 0, 3), nth(y, 6, 0, 0)], "RI": [nth(y, 8, 0, 1)], "NE": [nth(y, 4, 4, -1), nth(y, 11, 4, 3)]}.get(state, [])
    if state in ("LA", "RI") and y % 2 == 0:
        moving.append(nth(y, 11, 0, 0) + dt.timedelta(days=1))
    before, after = d - dt.timedelta(days=1), d + dt.timedelta(days=1)
    return (d in moving or (d.month, d.day) in fixed or d.weekday() == 0 and (before.month, before.day) in fixed
            or state == "AL" and d.weekday() == 4 and (after.month, after.day) in fixed)


def recording(facts):
    told = facts.get("announcement_played") is True and facts.get("continued_on_line") is True
    states = facts.get("party_states")
    if told:
        return "allow"
    if not states or any(s not in STATES for s in states):
        return "deny"
    return "deny" if any(STATES[s]["recording_consent"]["engine_treat_as"] == "all_party" for s in states) else "allow"


# ---------------------------------------------------------------- the other engines

def state_clock(f, as_of):
    row = BREACH.get(f.get("jurisdiction"))
    if row is None or f.get("keys_compromised") not in (None, True, False):
        return None
    if f.get("encrypted") is True and f.get("keys_compromised") is False:
        return {"decision": "no_notice"}
    if row["jurisdiction"] in ("US-CA", "US-OK") and as_of.date().isoformat() < "2026-01-01":
        return None
    names = {"discovery": ["discovered"], "awareness": ["aware", "discovered"], "determination": ["determined", "discovered"],
             "confirmation": ["confirmed", "determined", "discovered"], "notice_to_individuals": ["individuals_notified"]}

    def counted(part):
        start = next((f[n] for n in names[part["start"]] if f.get(n)), None)
        if not start or part["amount"] is None:
            return None
        d = day(start)
        return business(d, part["amount"]) if part["unit"] == "business_days" else d + dt.timedelta(days=part["amount"])

    ind = counted(row["individuals"])
    out = {"individuals_by": ind and ind.isoformat()}
    reg, n = row["regulator"], f.get("residents")
    if not reg["required"] or (n is not None and not (n >= reg["threshold_residents"] if reg["threshold_op"] == ">=" else n > reg["threshold_residents"])):
        return {**out, "regulator": None, "regulator_by": None}
    by = counted(reg)
    if reg["unit"] == "concurrent_or_promptly":
        by = day(f["individuals_notified"]) if f.get("individuals_notified") else ind
    return {**out, "regulator_by": by and by.isoformat()}


def dsr(f, as_of):
    got, where, hol = f.get("received"), f.get("jurisdiction"), f.get("public_holidays") or []
    if not got or where not in ("EU", "UK", "US-CA"):
        return None
    d = day(got)
    if where == "US-CA":
        first, long_ = d + dt.timedelta(days=44), d + dt.timedelta(days=89)
        answer = lambda x: {"due": x.isoformat(), "ack_by": business(d, 10, hol).isoformat()}
        limit = first
    else:
        first, long_ = months(d, 1), months(d, 3)
        answer = lambda x: {"due": rolled(x, hol).isoformat(), "nominal": x.isoformat()}
        limit = rolled(first, hol)
    if f.get("extended") is not True:
        return answer(first)
    sent = f.get("extension_notice_sent")
    if (day(sent) if sent else as_of.date()) > limit:
        return {"decision": "reject_extension", **answer(first)}
    return answer(long_)


def hipaa_breach(f):
    a = f.get("assessment") or {}
    low = a.get("nature") == "low" and a.get("recipient") == "bound by HIPAA" and a.get("acquired") is False and a.get("mitigated") is True
    if f.get("encrypted") is True and f.get("keys_compromised") is False and not (a and not low) or low and f.get("encrypted") is not True:
        return {"decision": "no_breach_notice"}
    if not f.get("discovered") or f.get("encrypted") is True or not isinstance(f.get("individuals"), int):
        return None
    d = day(f["discovered"])
    end = d + dt.timedelta(days=60)
    small = dt.date(d.year, 12, 31) + dt.timedelta(days=60)
    out = {"decision": "notify", "individuals_by": end.isoformat(), "hhs_by": (end if f["individuals"] >= 500 else small).isoformat()}
    if f.get("max_in_one_state") is not None:
        out["media"] = f["max_in_one_state"] > 500
    return out


def safe_harbor(f, as_of):
    field, v = f["field"], f["value"]
    if field == "birth_date":
        born, now = day(v), as_of.date()
        age = now.year - born.year - ((now.month, now.day) < (born.month, born.day))
        return None if born > now else {"output": "[over-89: no year]" if age > 89 else v[:4]}
    small = "036 059 063 102 203 205 369 556 692 790 821 823 830 831 878 879 884 890 893".split()
    simple = {"age": lambda: v if v < 90 else "90+", "admission_date": lambda: v[:4], "state": lambda: v,
              "zip": lambda: "000" if v[:3] in small else v[:3], "voice_recording": lambda: "[not de-identifiable: biometric voice print]"}
    return {"output": simple.get(field, lambda: "[removed]")()}


def store(f):
    if f.get("element") in ("cvv", "pin", "track"):
        if f.get("phase") is None:
            # A token of it that exists is storage of it, whenever it was made.
            token = f.get("form") in ("vault_token", "index_token")
            return {"decision": "purge" if token or f.get("queryable") is True else "deny"}
        if f["phase"] != "pre_authorization" or f.get("queryable") is True:
            return {"decision": "purge"}
        if f.get("form") in ("vault_token", "index_token"):
            return {"decision": "deny"}
        return {"decision": "allow_until_authorization" if f.get("encrypted") is True else "deny"}
    form = f.get("form")
    if form == "disk_encryption_only":
        return {"decision": "allow" if f.get("media") == "removable" else "deny"}
    if form == "sha256_unkeyed":
        return {"decision": "deny"}
    fine = form in ("index_token", "vault_token", "truncated_8_4_16digit", "hmac_keyed") or f.get("encrypted") is True
    return {"decision": "allow" if fine else "deny"}


def gdpr_breach(f):
    if f.get("law") != "GDPR-33" or not f.get("aware"):
        return None
    at = instant(f["aware"])
    out = {"alarm": z(at + dt.timedelta(hours=72)), "decision": "document_only" if f.get("risk") == "unlikely" else "notify_sa"}
    begin = at.replace(minute=0, second=0) + dt.timedelta(hours=1)
    out["latest_1182"] = z(begin + dt.timedelta(hours=72))  # without holidays, 72 hours always touch two working days
    return out


def simple(engine, action, f):
    yes = lambda cond, a, b: {"decision": a if cond else b}
    if (engine, action) == ("pci", "account") and f.get("last_login") and f.get("today"):
        n = (day(f["today"]) - day(f["last_login"])).days
        return yes(n < 0 or n >= 90, "disable", "ok")
    if action in ("access_review", "training") and f.get("last") and f.get("today"):
        last, now, n = day(f["last"]), day(f["today"]), {"access_review": 6, "training": 12}[action]
        late = not last <= now <= months(last, n)
        return yes(late, {"access_review": "overdue", "training": "deny"}[action], {"access_review": "ok", "training": "allow"}[action])
    if action == "session":
        return yes(f["idle_minutes"] > 15, "reauthenticate", "ok")
    if action == "login_failures":
        return yes(f["count"] >= 10, "lock", "ok")
    if action == "password":
        return yes(f["value_len"] >= 12 and f["alpha"] and f["numeric"], "allow", "deny")
    if action == "cde_access":
        return yes(f["console"] or f["mfa"], "allow", "deny")
    if action == "log_retention":
        return yes(f["age_days"] <= 92 and f["tier"] == "archive_offline", "fail", "keep")
    if action == "pause_resume":
        return yes(not f["resumed"] and f["seconds_since_pause"] > f["max_pause_seconds"], "alert", "ok")
    if action == "send_confirmation_text":
        return yes(f["marketing"] or f["count_sent"] > 0 or f["minutes_after"] > 5, "deny", "allow")
    if action == "campaign_report" and f.get("min_rings") is None:
        bad = f["abandoned"] * 100 > 3 * f["answered_live"] or not 0 < f["window_days"] <= 30
        return yes(bad or f["min_ring_seconds"] < 15 or not f["records_kept"], "fail", "pass")
    if action == "call_event":
        return None if not f["answered_live"] else yes(f["seconds_from_greeting_to_agent"] > 2, "abandoned", "connected")
    if action == "gate":
        end = day(f["passed"]) + dt.timedelta(days=f["validity_days"])
        now = day(f["today"])
        return {"decision": "allow" if day(f["passed"]) <= now < end else "deny", "expires": end.isoformat()}
    if action == "cmi5" and "masteryScore" not in f:
        did = set(f["verbs"])
        met = {"Passed": "passed" in did, "Completed": "completed" in did, "CompletedAndPassed": {"passed", "completed"} <= did,
               "CompletedOrPassed": bool({"passed", "completed"} & did)}.get(f.get("moveOn"), True)
        return {"satisfied": met or "waived" in did}
    if action == "deadline":
        return {"due": business(day(f["requested"]), 10).isoformat()}
    if action == "optout_deadline":
        return {"due": business(day(f["received"]), 15).isoformat()}
    if action == "access_deadline":
        d = day(f["received"])
        return {"due": (d + dt.timedelta(days=30)).isoformat(), "max_extended": (d + dt.timedelta(days=60)).isoformat()}
    if action == "accounting_deadline":
        d = day(f["received"])
        back = months(d, -12 * min(6, f["lookback_requested_years"]))
        return {"due": (d + dt.timedelta(days=60)).isoformat(), "max_extended": (d + dt.timedelta(days=90)).isoformat(), "lookback_from": back.isoformat()}
    if (engine, action) == ("hipaa", "retention_check"):
        return yes(day(f["delete_on"]) < months(day(f["last_effective"]), 72), "deny", "allow")
    if (engine, action) == ("tcpa", "retention_check"):
        end = months(max(day(f["in_use_until"]), day(f["created"])), 60)
        return None if day(f["delete_on"]) < day("2024-11-01") else yes(day(f["delete_on"]) < end, "deny", "allow")
    if action == "breach_subjects" and f["risk"] == "high":
        return yes(f["data_encrypted"] and not f["keys_compromised"], "no_notice", "notify_without_undue_delay")
    if action == "ropa_required":
        return yes(f["employees"] >= 250 or not f["occasional"] or f["special_categories"], "required", "not_required")
    if action == "portability":
        return yes(f.get("basis") in ("consent", "contract") and f.get("automated") is True, "export", "refuse")
    if action == "grant_access":
        return yes(f["user_trained"], "allow", "deny")
    return None


def erasure(f, as_of):
    # Verified is verified; otherwise any doubt, or none spoken of, comes first.
    verified, doubt = f.get("identity_verified"), f.get("reasonable_doubt")
    if verified is not True and doubt is True or verified is False and doubt is None:
        return {"decision": "verify_identity_first"}
    alive = [h for h in f.get("holds") or [] if not h.get("until") or day(h["until"]) >= as_of.date()]
    if alive or f.get("basis") == "legal_obligation" and not f.get("holds"):
        return {"decision": "refuse_partial"}
    if f.get("basis") == "legal_obligation" or f.get("objection") == "direct_marketing" or f.get("basis") == "consent" and f.get("consent_withdrawn") is True:
        return {"decision": "erase"}
    return {"decision": "review"}


def answer(case):
    f, engine, action = case["input"], case["engine"], case["input"]["action"]
    as_of = instant(case["as_of"])
    try:
        if action in ("outbound_call", "outbound_text"):
            if as_of != instant(f["at"]) or as_of.year < 2022:
                return None
            return {"decision": outbound(f, action == "outbound_text")}
        if action == "start_recording":
            return {"decision": recording(f)}
        if (engine, action) == ("hipaa", "breach_clock"):
            return hipaa_breach(f)
        if (engine, action) == ("gdpr", "breach_clock"):
            return gdpr_breach(f)
        own = {"state_clock": state_clock, "dsr_deadline": dsr, "erasure": erasure, "safe_harbor": safe_harbor}.get(action)
        if own:
            return own(f, as_of)
        return store(f) if action == "store" else simple(engine, action, f)
    except (KeyError, TypeError):
        # A fact of the wrong kind or none: the oracle has no opinion on unknown facts, the property tests have.
        return None
