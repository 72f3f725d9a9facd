"""The second set: calls nobody has tuned on. Random values, a wording of its own, other prosody than the demo."""

import random
import re

import script
import values as v

# type, maker, questions of the agent, answers of the customer ("#" is the value)
NUMBERS = [
    ("CREDIT_CARD", v.card, [
        "And what card are we charging today?", "Could you read me the long number across the front?",
        "I am ready for the payment card now.", "Which card would you like that on?"], [
        "Let me grab my wallet. Okay, #.", "Sure, the Visa is #.", "It should be #.", "One moment. The card number reads #.",
        "Use the same one as before, that is #."]),
    ("CVV", v.cvv, [
        "There is a short code by the signature, what is it?", "And the security code, please.",
        "Can you turn the card over and give me the last three digits there?"], [
        "I think it is #.", "#.", "The code says #.", "Hold on, it is faded. #."]),
    ("EXPIRY", v.expiry, [
        "When does that card run out?", "And the expiration?", "Valid until when?"], [
        "It expires #.", "Good through #.", "#, I believe.", "The expiration date is #."]),
    ("US_SSN", v.ssn, [
        "For the credit check I need your social.", "Please confirm your social security number.",
        "I have to ask for the social, is that okay?"], [
        "Fine, my social is #.", "My social security number is #.", "Okay, #.", "Here it comes. #."]),
    ("US_SSN", v.ssn_last_four, [
        "Just the last four of your social, please.", "What are the last four digits of your social security number?"], [
        "The last four are #.", "That would be #.", "#."]),
    ("PHONE_NUMBER", v.phone, [
        "What is the best number to reach you?", "If we get cut off, what number do I dial?", "Do you have a cell phone on file?"], [
        "You can reach me at #.", "My cell is #.", "Try #, that is my work phone.", "The number is #."]),
    ("ACCOUNT_ID", v.account, [
        "Do you have your account number in front of you?", "Which account is this about?", "What does it say next to account on the bill?"], [
        "Account number #.", "Yes, it says #.", "My account is #.", "The account on the bill is #."]),
    ("ROUTING_NUMBER", v.routing, [
        "What is the routing number of your bank?", "I need the nine digits at the bottom of your check."], [
        "The routing number is #.", "It starts on the left, #."]),
    ("ZIP_CODE", v.zip_code, ["What zip code is the card billed to?", "And your zip?"], ["My zip code is #.", "The zip is #."]),
    ("MEMBER_ID", v.member, [
        "Could I get the member number from your insurance card?", "What is the member number?"], [
        "The member number is #.", "Member number #.", "The card says member I D #."]),
    ("DOB", v.born, [
        "And your birthday?", "When were you born?", "What date of birth do we have for you?"], [
        "I was born #.", "My date of birth is #.", "My birthday is #.", "#."]),
]
WORDS = [
    ("PERSON", v.person, [
        "Who am I talking to today?", "May I ask who is calling?", "Whose name is on the account?"], [
        "This is #.", "My name is #.", "You are speaking with #.", "The account is under the name of #.", "#."]),
    ("ADDRESS", v.street, [
        "What is the street address?", "Where do you live now?", "Which address should the package go to?"], [
        "I live at #.", "Send it to #.", "The address is #.", "We just moved to #."]),
    ("LOCATION", v.pick(v.CITIES), ["Which city is that in?", "And what town?"], ["That is in #.", "I am calling from #.", "#."]),
    ("EMAIL_ADDRESS", v.mail, [
        "Is there an email I can send the receipt to?", "What email do you use?"], [
        "My email is #.", "Send it to #.", "Sure, #.", "You can email me at #."]),
    ("CONDITION", v.pick(v.CONDITIONS), [
        "What is the reason for your visit?", "Do you have any medical conditions?", "Why did you miss the appointment?"], [
        "I have been treated for #.", "My doctor says I have #.", "I was in the hospital with #.", "Well, I suffer from #."]),
    ("MEDICATION", v.pick(v.MEDICATIONS), [
        "Which prescription should we refill?", "What are you taking at the moment?"], [
        "I need a refill of #.", "I am taking # every morning.", "They put me on #.", "I am allergic to #."]),
    ("PROCEDURE", v.pick(v.PROCEDURES), [
        "What is the referral for?", "Which treatment was that?"], [
        "I am scheduled for # next week.", "The doctor ordered #.", "I had # last month."]),
]
OPENINGS = [
    "Good morning, customer care, how may I direct you?", "Thanks for waiting, what can I do for you today?",
    "Hello, you have reached member services.", "Support desk, what seems to be the trouble?", "Thank you for calling, how are you doing?"]
REASONS = [
    "I got a letter from you and I do not understand it.", "Something is wrong with my last statement.",
    "I would like to set up a payment, please.", "My service has been down since the storm.",
    "I was told to call this number to update my file.", "I want to change the plan that I have with you.",
    "Your website would not let me sign in, so I am calling instead."]
FILLERS = [
    ("Let me pull that up for you, it will only take a moment.", "No problem, take your time."),
    ("The system is a little slow this afternoon.", "That is fine, I am not in a hurry."),
    ("Is there anything else on the bill that looks odd?", "No, the rest looks right to me."),
    ("I can see the note that my colleague left there.", "Good, then I do not need to explain it again."),
    ("Would you like paper letters or only messages?", "Only messages, please, I get too much paper."),
    ("We are sorry for the trouble this has caused you.", "Thank you, I appreciate that."),
]
NEGATIVES = [
    "Your order number is [order number|#5].", "The total comes to [price|#price dollars].", "It is the [model number|model #4].",
    "Please allow [duration|#2 business days].", "We are open until [time|#hour thirty] tonight.", "That is [quantity|#2 units] in the box.",
    "Your ticket is [ticket number|#6].", "You will save [percentage|#2 percent] this year.", "The offer code is [offer code|spring #2].",
    "You are on [page number|page #2] of the contract.", "The part is [part number|number #4], in [color|dark blue].",
    "Reference [case number|#5], in case you call again."]
CLOSINGS = [
    "All right, you are all set.", "Perfect, I have updated everything.", "Thank you for your patience, have a good day.",
    "That is all I needed, goodbye."]
BACKCHANNELS = ["Uh huh.", "Okay.", "Go on.", "Got that.", "Mm hmm."]

# Kept: prosodies whose word error was at most 10 % on OPENINGS, REASONS, FILLERS and CLOSINGS alone (Moonshine base, telephone
# band), so that a miss is the product's and not the synthesiser's. No planted value was looked at for this choice.
VOICES = [
    {"name": "slt", "speed": 1.1}, {"name": "slt", "speed": 0.89, "stretch": 0.9}, {"name": "slt", "stretch": 1.15, "pitch_hz": 150.0},
    {"name": "slt", "speed": 0.9}, {"name": "rms", "speed": 1.11, "stretch": 1.05}, {"name": "rms", "speed": 0.95, "stretch": 0.85},
    {"name": "rms", "speed": 0.9}, {"name": "rms", "speed": 1.1, "stretch": 1.2}, {"name": "awb", "speed": 0.94},
    {"name": "kal16", "stretch": 1.05},
]


def negative(rng):
    """A hard negative with random numbers."""
    def fill(m):
        kind = m.group(1)
        if kind == "price":
            return f"{v.two(str(rng.randint(21, 99)))}"
        if kind == "hour":
            return v.DIGIT[rng.randint(5, 9)]
        if kind == "2":
            return v.two(str(rng.randint(10, 99)))
        if kind == "4":
            return f"{v.two(str(rng.randint(10, 99)))} {v.two(str(rng.randint(10, 99)))}"
        return v.one_by_one(v.digits(rng, int(kind)))
    return re.sub(r"#(price|hour|\d)", fill, rng.choice(NEGATIVES))


def marked(kind, value, spoken):
    """The marker of a script."""
    return f"{{{kind}:{value}|{spoken}}}"


def exchange(rng, topic):
    """A question and its answer: sometimes split by the other's "uh huh", sometimes read back."""
    kind, maker, questions, answers = topic
    value, spoken = maker(rng)
    turns = [{"who": "agent", "text": rng.choice(questions)}]
    parts = spoken.split(", ")
    if kind == "CREDIT_CARD" and len(parts) >= 3 and rng.random() < 0.35:
        half = len(parts) // 2
        turns += [
            {"who": "customer", "text": rng.choice(answers).replace("#", marked(kind, value, ", ".join(parts[:half])))},
            {"who": "agent", "text": rng.choice(BACKCHANNELS)},
            {"who": "customer", "text": marked(kind, value, ", ".join(parts[half:])) + "."},
        ]
    else:
        turns.append({"who": "customer", "text": rng.choice(answers).replace("#", marked(kind, value, spoken))})
    if kind in ("PHONE_NUMBER", "ACCOUNT_ID", "ADDRESS", "PERSON", "US_SSN") and rng.random() < 0.25:
        again = rng.choice(["So # is correct?", "I have #, thank you.", "Let me repeat that, #."])
        turns.append({"who": "agent", "text": again.replace("#", marked(kind, value, spoken))})
    return turns


def topics(rng, numbers_only):
    """What one call is about: two to four values, a card always with more of its kind."""
    card = [t for t in NUMBERS if t[0] in ("CREDIT_CARD", "CVV", "EXPIRY")]
    if rng.random() < 0.4:
        chosen = card[:1] + rng.sample(card[1:], rng.randint(1, 2))
    else:
        chosen = rng.sample([t for t in NUMBERS if t not in card], 2)
    if not numbers_only:
        chosen = rng.sample(WORDS, 1) + chosen + rng.sample(WORDS, rng.randint(0, 1))
        seen = set()
        chosen = [t for t in chosen if not (t[0] in seen or seen.add(t[0]))]
    return chosen


def call(rng, number, numbers_only):
    """One random script."""
    turns = [{"who": "agent", "text": rng.choice(OPENINGS)}, {"who": "customer", "text": rng.choice(REASONS)}]
    fillers = rng.sample(FILLERS, len(FILLERS))
    for topic in topics(rng, numbers_only):
        turns += exchange(rng, topic)
        chance = rng.random()
        if chance < 0.45:
            a, c = fillers.pop()
            turns += [{"who": "agent", "text": a}, {"who": "customer", "text": c}]
        elif chance < 0.75:
            turns.append({"who": "agent", "text": negative(rng)})
    turns.append({"who": "agent", "text": rng.choice(CLOSINGS)})
    for turn in turns[1:]:
        if rng.random() < 0.18:
            turn["overlap_ms"] = rng.randint(120, 700)
        else:
            turn["gap_ms"] = rng.randint(150, 1100)
    customer, agent = rng.sample(VOICES, 2)
    tag = v.digits(rng, 6)
    return {
        "file": f"second-{number:03}-{tag}", "started_at": f"2026-04-{1 + number % 28:02}T{8 + number % 10:02}:{int(tag[:2]) % 60:02}:00Z",
        "customer": {"voice": customer, "address": "+1" + v.phone(rng)[0]}, "agent": {"voice": agent, "name": rng.choice(v.FIRST)},
        "noise": rng.choice([8.0, 16.0, 30.0, 50.0]), "turns": [script.turn_of(t) for t in turns],
    }


def make(args, make_call):
    """All calls of the set."""
    rng = random.Random(f"second-{args.seed}-{args.numbers_only}")
    return [make_call(call(rng, i, args.numbers_only), rng.randrange(1 << 30), args.out) for i in range(args.count)]
