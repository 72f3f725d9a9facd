"""When each row of the breach table is due, counted from the table alone and with nothing of the product.

python3 breach_oracle.py TABLE.json writes JSON: for each row and scenario the dates a careful person would write down.
Rules: calendar days are added to the day of the event; business days skip Saturday and Sunday; hours are added to the
instant; nothing rolls forward from a weekend; a threshold is compared with the residents of that jurisdiction; a
regulator without a number of its own is told no later than the individuals.
"""
import datetime as dt
import json
import sys

# A Friday noon (weekends), the last day of a year, the day before a leap day, the nights on which clocks change.
STARTS = ["2026-06-05T12:30:00Z", "2026-12-31T23:59:00Z", "2028-02-28T08:00:00Z", "2026-10-31T20:00:00Z",
          "2026-03-28T23:30:00Z", "2026-11-26T10:00:00Z"]
# Each named event two hours after the one before, so that a clock bound to the wrong one is seen.
EVENTS = ["discovered", "aware", "determined", "confirmed", "high_risk_determined", "suspected",
          "materiality_determined", "classified"]
START = [("end_of_calendar_year", "year_end"), ("ba discovery", "discovered"), ("discovery", "discovered"),
         ("awareness", "aware"), ("knowledge", "aware"), ("confirm", "confirmed"), ("materiality", "materiality_determined"),
         ("high_risk", "high_risk_determined"), ("classification", "classified"), ("suspicion", "suspected"),
         ("assessment", "determined"), ("reasonable grounds", "determined"), ("determination", "determined"),
         ("real risk", "determined"), ("risk of serious", "determined"), ("notice_to_individuals", "individuals_notified")]


def event(start):
    low = start.lower()
    return next(name for mark, name in START if low.startswith(mark) or mark in low)


def add(instant, amount, unit):
    if unit == "hours":
        return (instant + dt.timedelta(hours=amount)).strftime("%Y-%m-%dT%H:%M:%SZ")
    day = instant.date()
    if unit == "business_days":
        while amount:
            day += dt.timedelta(days=1)
            amount -= day.weekday() < 5
        return day.isoformat()
    assert unit == "calendar_days", unit
    return (day + dt.timedelta(days=amount)).isoformat()


def counted(events, start, amount, unit):
    if amount is None:
        return None
    name = event(start)
    if name == "year_end":
        return add(dt.datetime(events["discovered"].year, 12, 31, tzinfo=dt.timezone.utc), amount, unit)
    return add(events[name], amount, unit) if name in events else None


def reached(op, n, people):
    return {">=": people >= n, ">": people > n, "<": people < n}[op]


def earlier(*dates):
    known = [d for d in dates if d]
    return min(known, key=lambda d: d[:10]) if known else None


def state(row, events, people):
    out = {}
    ind, reg, cra = row["individuals"], row["regulator"], row.get("cra") or {}
    due = counted(events, ind["start"], ind["amount"], ind["unit"])
    out["individuals"] = due
    if reg["required"] and reached(reg["threshold_op"] or ">=", reg["threshold_residents"] or 0, people):
        own = counted(events, reg["start"] or "discovery", reg["amount"], reg["unit"])
        if reg["amount"] is None:
            told = events.get("individuals_notified")
            own = told.date().isoformat() if told else due
        out["regulator"] = own
    if cra.get("threshold") is not None:
        out["cra_from"] = cra["threshold"]
    return out


def main():
    table = json.load(open(sys.argv[1]))
    result = []
    for text in STARTS:
        start = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.timezone.utc)
        events = {name: start + dt.timedelta(hours=2 * n) for n, name in enumerate(EVENTS)}
        for told in (False, True):
            if told:
                events["individuals_notified"] = start + dt.timedelta(days=10)
            rows = []
            for row in table["clocks"]:
                if row.get("status") == "proposed":
                    continue
                if "individuals" in row and isinstance(row["individuals"], dict):
                    n = row["regulator"]["threshold_residents"] or 0
                    for people in sorted({max(n - 1, 0), n, n + 1, 1000000}):
                        rows.append({"id": row["id"], "people": people, "due": state(row, events, people)})
                    continue
                amount = row["amount"]
                limit = row["threshold"] if isinstance(row.get("threshold"), dict) else None
                for people in ([limit["n"] - 1, limit["n"], limit["n"] + 1] if limit else [5000]):
                    binds = limit is None or reached(limit["op"], limit["n"], people)
                    due = counted(events, row["start"], amount, row["unit"]) if amount is not None else None
                    rows.append({"id": row["id"], "people": people, "binds": binds, "due": due})
            result.append({"start": text, "told": told,
                           "events": {k: v.strftime("%Y-%m-%dT%H:%M:%SZ") for k, v in events.items()}, "rows": rows})
    json.dump(result, sys.stdout, separators=(",", ":"))
    print()


main()
