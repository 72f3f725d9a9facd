"""Recordings that must end muted or in quarantine, never in a false success."""

import random

import mix
import script
import tones

PEOPLE = {"customer": {"voice": "slt"}, "agent": {"voice": "rms"}}
TALK = [
    {"who": "agent", "text": "How would you like to pay today?"},
    {"who": "customer", "text": "By card. The number is {CREDIT_CARD:4242424242424242|four two four two, four two four two, four two four two, "
                                "four two four two}, and the security code is {CVV:283|two eight three}."},
    {"who": "agent", "text": "Thank you {PERSON:Laura Benson}, is {PHONE_NUMBER:2065550143|two zero six, five five five, zero one four three} still right?"},
    {"who": "customer", "text": "Yes, that is my phone number."},
]
HOLA = [
    {"who": "agent", "text": "Gracias por llamar, ¿en qué le puedo servir?"},
    {"who": "customer", "text": "Mi nombre es {PERSON:Javier Montes}, mi número de tarjeta es {CREDIT_CARD:5555555555554444|cinco cinco cinco cinco, "
                                "cinco cinco cinco cinco, cinco cinco cinco cinco, cuatro cuatro cuatro cuatro}."},
    {"who": "agent", "text": "Un momento, por favor, ya lo tengo."},
]
SPANIARDS = {"customer": {"voice": {"name": "es", "engine": "espeak"}}, "agent": {"voice": {"name": "es-419", "engine": "espeak"}}}


def talk(turns=TALK, people=None, channels=2):
    """A short call."""
    return mix.render({**(people or PEOPLE), "turns": [script.turn_of(t) for t in turns]}, 7, channels)


def quiet(seconds):
    """Nothing."""
    tape = mix.Tape()
    tape.pad(seconds)
    return tape


def music():
    """Hold music of three kinds on one channel, nothing on the other."""
    tape = quiet(30)
    for i, style in enumerate(("organ", "pluck", "tune")):
        tape.add(1, 10.0 * i, tones.music(10, style))
    return tape


def ringing():
    """A line that nobody answers."""
    tape = quiet(24)
    tape.add(1, 0.5, tones.ringback(20))
    return tape


def keypad():
    """A card keyed in without a word."""
    tape = quiet(0.5)
    turn = script.turn_of({"who": "customer", "keys": "5555555555554444#", "keys_type": "CREDIT_CARD"})
    tape.pad(tape.press(turn, 0.5, random.Random(7)) + 1)
    return tape


def bleed():
    """Each party is heard on the other's channel, 26 dB down, as over a bad hybrid."""
    tape = talk()
    clean = [t[:] for t in tape.tracks]
    for c in (0, 1):
        tape.add(1 - c, 0.012, [s // 20 for s in clean[c]])
    tape.planted += [{**p, "channel": 1 - p["channel"], "bleed": True} for p in tape.planted]
    return tape


# name, tape, noise, further sox effects, language, what may happen
CASES = [
    ("silence-digital", lambda: quiet(20), 0, (), "", "nothing to redact"),
    ("silence-hiss", lambda: quiet(20), 16.0, (), "", "nothing to redact"),
    ("music", music, 16.0, (), "", "muted or quarantined; no invented words"),
    ("ringing", ringing, 16.0, (), "", "muted or quarantined; no invented words"),
    ("keypad", keypad, 16.0, (), "", "tones muted"),
    ("mono-two-talkers", lambda: talk(channels=1), 16.0, (), "en", "muted or quarantined"),
    ("clipped", talk, 16.0, ("gain", "32"), "en", "muted or quarantined"),
    ("bleed", bleed, 16.0, (), "en", "muted on both channels or quarantined"),
    ("loud-noise", talk, 1200.0, (), "en", "muted or quarantined"),
    ("spanish", lambda: talk(HOLA, SPANIARDS), 16.0, (), "es", "quarantined"),
]


def make(args):
    """All cases, with what may happen to each."""
    done = []
    for name, tape_of, noise, effects, language, expected in CASES:
        tape = tape_of()
        tape.write(args.out / f"{name}.wav", seed=7, noise=noise, extra=effects)
        truth = tape.truth(name, file=f"{name}.wav", channel="voice", kind="negative", language=language, ordinary=False, planted_elsewhere=[])
        done.append({**truth, "expected": expected})
        print(f"{name}: {truth['duration_ms'] / 1000:.1f} s, {len(truth['planted'])} planted; expected: {expected}")
    return done
