#!/usr/bin/env python3
"""Documents without end for a long run of `callvault detect`: JSONL {"id","text"} on standard output, the same for the same seed.

usage: tools/soak_documents.py [--count 1000000] [--seed 1]
Calls, chats, mails and lists of 20 to 2,000 characters with invented people (555-01xx numbers, test cards), no document
like another: what a program keeps of what it has read would grow with them."""
import argparse
import json
import random
import sys

GIVEN = "marta ravi elena tom aisha wei carlos nina joao fatima olaf grace yuki ivan lucia sam".split()
ENDS = ["son", "ez", "ova", "kar", "berg", "ini", "wood", "ski", "man", "ley"]
DIGITS = "zero one two three four five six seven eight nine".split()
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]
TALK = ["thanks for calling how can i help", "one moment please", "the total is {} dollars and {} cents", "we open at nine to five",
        "i have diabetes and take metformin", "can you hear me", "my order {} did not come", "that is all, goodbye", "mm-hm", "okay",
        "model number XR{} version {}", "I'll be at 12 Oak Street until {}:30", "Can I pay by card?", "señor, por favor, mi número"]


def name(r):
    return f"{r.choice(GIVEN)} {''.join(r.choice('bdklmnrst') + r.choice('aeiou') for _ in range(2))}{r.choice(ENDS)}"


def spoken(digits):
    return " ".join(DIGITS[int(d)] for d in digits)


def value(r):
    kind = r.randrange(8)
    if kind == 0:
        return f"my name is {name(r)}"
    if kind == 1:
        card = r.choice(CARDS)
        return f"card number {spoken(card) if r.random() < 0.5 else card}, code {r.randrange(1000):03}"
    if kind == 2:
        phone = f"21255501{r.randrange(100):02}"
        return f"call me at {spoken(phone) if r.random() < 0.5 else phone}"
    if kind == 3:
        first, last = name(r).split()
        return f"email {first}.{last}{r.randrange(10 ** 6)}@example.com" if r.random() < 0.5 else f"{first} dot {last} at example dot com"
    if kind == 4:
        return f"account AB{r.randrange(10 ** 9)} and policy {r.randrange(10 ** 10)}"
    if kind == 5:
        return f"born on {r.randrange(1, 13)}/{r.randrange(1, 29)}/{r.randrange(1930, 2010)}"
    if kind == 6:
        return f"I live at {r.randrange(1, 9999)} {name(r).split()[1].title()} Street, {r.randrange(10000, 99999)}"
    return f"password is {name(r).split()[1]}{r.randrange(10 ** 5)}"


def line(r):
    if r.random() < 0.35:
        return value(r)
    return r.choice(TALK).replace("{}", str(r.randrange(1, 60)))


def document(r):
    turns = 1 if r.random() < 0.4 else r.randrange(2, 12) if r.random() < 0.97 else r.randrange(12, 60)
    who = r.random() < 0.6
    return "\n".join((("agent: " if k % 2 == 0 else "caller: ") if who else "") + line(r) for k in range(turns))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    r = random.Random(args.seed)
    write = sys.stdout.write
    for n in range(args.count):
        write(json.dumps({"id": n, "text": document(r)}) + "\n")


if __name__ == "__main__":
    main()
