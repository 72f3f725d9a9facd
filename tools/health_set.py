#!/usr/bin/env python3
"""Writes fixtures/detect/health.jsonl (for tuning) and fixtures/detect/health-held-out.jsonl (only for measuring):
what callers say about conditions, medicines and treatments, all invented. The halves share no sentence and no value.
usage: tools/health_set.py   (the same files every time)"""
import json
import random
from pathlib import Path

FRAMES = [
    """i was told last week that i have {c}|my husband has {c} and we need the forms|the doctor says it is {c}
yes i take {m} twice a day|can i get a refill on my {m}|they switched me from {m} to {m} in june|the pharmacy was out of {m}
i am calling about my {p} next tuesday|they want me to have {p} before the end of the year|is {p} covered under my plan
um my daughter had {p} because of {c}|i cannot work right now because of my {c}|he takes {m} for his {c}
i was in the hospital for {c} for five days|it turned out to be {c} so they gave me {m}|i stopped the {m} because it made me dizzy
do i need a referral for {p}|who do i talk to about a bill for {p}|my {c} has gotten worse since the winter
i have had {c} since i was a kid|the {m} costs me ninety dollars a month|we lost him to {c} in the spring
so the {p} came back fine but they still think it is {c}|i forgot to take my {m} yesterday|my son needs {m} at school
no i am not allergic to anything except {m}|the specialist wants another {p} in six weeks|i get {c} every time the weather changes
does the plan pay for {m} or only the generic|i am supposed to start {m} on monday|they found {c} when they did the {p}
my wife is recovering from {p}|i missed my shift because my {c} flared up|i would rather not say but it is {c}
and how long after {p} can i travel|the nurse said {c} and told me to rest|you denied my claim for {p}
i just need someone to approve the {m}|she has been on {m} since the {p}|tell them i have {c} please
my dad was diagnosed with {c} on friday|they are treating me for {c}|he suffers from {c} and cannot come to the phone""",
    """it started as {c} and then they put me on {m}|hello i need prior authorization for {p}|we are waiting for approval of {m}
listen i have {c} i cannot stand in a line|the letter says {p} is not medically necessary|my mother was hospitalized with {c}
is there a copay for {p}|how much is {m} without insurance|i ran out of {m} two days ago
i had {p} back in march and i am still paying|the school nurse thinks my boy has {c}|i am on {m} so i cannot drive
they rescheduled my {p} again|my {c} is acting up|doctor prescribed {m} for the {c}
my sister is going through {p} right now|does {m} interact with {m}|i want to dispute the charge for {p}
since the {c} i use a wheelchair|we need the records of his {p}|i was taking {m} but it did not help
can you tell me if {c} counts as preexisting|they did {p} and sent me home|i think it is {c} but i have not seen anyone
my insurance stopped paying for {m}|he was out four weeks with {c}|after my {p} i could not lift anything
she was born with {c}|please send the {m} to the other pharmacy|i need a note for work because of {c}
the lab did {p} on the wrong arm|my dosage of {m} went up|yes i smoke and yes i have {c}
i am scheduled for {p} at eight|nobody told me {m} would need a form|the {c} runs in my family
my case worker knows about the {c}|the {p} was supposed to be free|it is for my {c} the one you asked about last time
i have been diagnosed with {c}|he is being treated for {c} at the clinic|she suffers from {c}""",
]
CONDITIONS = [
    "type two diabetes|high blood pressure|asthma|breast cancer|a stroke|depression|an anxiety disorder|kidney stones|lupus|"
    "migraines|a slipped disc|bad knees|a heart murmur|gout|shingles|sleep apnea|crohn's disease|a broken hip|postpartum depression|"
    "a thyroid problem|hepatitis c|carpal tunnel|an ear infection|panic attacks|the flu|pink eye|a bladder infection|low iron|"
    "a torn rotator cuff|multiple sclerosis|bulimia|vertigo|a hernia|an enlarged prostate|hot flashes|bronchitis|a blood clot|"
    "seasonal allergies|a concussion|dementia",
    "type one diabetes|high cholesterol|copd|colon cancer|a heart attack|bipolar disorder|ptsd|gallstones|rheumatoid arthritis|"
    "cluster headaches|a herniated disc|a bad back|an irregular heartbeat|sciatica|chicken pox|insomnia|ulcerative colitis|"
    "a fractured wrist|a miscarriage|an underactive thyroid|hiv|tennis elbow|a sinus infection|seizures|covid|an eye infection|"
    "a kidney infection|anemia|a torn meniscus|parkinson's|an eating disorder|tinnitus|acid reflux|prostate cancer|menopause|"
    "pneumonia|deep vein thrombosis|hay fever|whiplash|alzheimer's",
]
MEDICINES = [
    "metformin|lisinopril|insulin|zoloft|albuterol|eliquis|percocet|amoxicillin|lipitor|gabapentin|ozempic|xanax|my inhaler|"
    "blood thinners|birth control|synthroid|humira|prednisone|a water pill|nerve pills|omeprazole|ritalin|a nicotine patch|"
    "cough syrup with codeine|lamictal|allergy shots|an epipen|methadone|iron pills|a sleeping pill",
    "glipizide|losartan|lantus|prozac|advair|xarelto|oxycodone|azithromycin|crestor|lyrica|wegovy|ativan|a rescue inhaler|"
    "warfarin|the pill|levothyroxine|enbrel|steroids|blood pressure pills|antidepressants|nexium|adderall|chantix|"
    "tylenol three|lithium|antihistamines|nitroglycerin|suboxone|vitamin d shots|ambien",
]
PROCEDURES = [
    "a colonoscopy|knee surgery|an mri|physical therapy|a mammogram|a root canal|chemo|a sleep study|dialysis|cataract surgery|"
    "a hysterectomy|blood work|an x ray of my foot|a stress test|ivf|a skin biopsy|couples counseling|an ultrasound|"
    "a hip replacement|a tetanus shot|gastric bypass|a colposcopy|a bone density scan|speech therapy|a vasectomy",
    "an endoscopy|back surgery|a ct scan|occupational therapy|a pap smear|a tooth extraction|radiation|a hearing test|a transplant|"
    "lasik|a c section|a blood test|a chest x ray|an ekg|an abortion|a breast biopsy|psychotherapy|an echocardiogram|"
    "a knee replacement|a flu shot|a gastric sleeve|a spinal tap|a pet scan|group therapy|a tonsillectomy",
]
PLAIN = [
    "i need to change the address on my plan|how do i download my insurance card|what is the deductible this year|"
    "the website will not let me log in|i was charged twice in march|can you add my newborn to the policy|"
    "the claim was for a windshield|my internet is sick and tired again|she is a patient person|that is a healthy discount|"
    "he works at the pharmacy|the doctor's office is closed on friday|i have a cold drink machine to return|"
    "this is giving me a headache honestly|how long is the wait for a specialist|my heart is not in it",
    "where do i mail the form|i would like a paper bill|when does my coverage start|please cancel the second account|"
    "i never got my member card|who is my agent|my car insurance went up|the app keeps crashing|we had a stroke of luck|"
    "it is a pain to reach you people|the clinic gave me your number|can i pay in two parts|you are killing me with these fees|"
    "i lost my patience last time|the nurse was very kind|i am dying to know when it ships",
]


def half(k, rng):
    slots = {"c": CONDITIONS[k], "m": MEDICINES[k], "p": PROCEDURES[k]}
    names = {"c": "CONDITION", "m": "MEDICATION", "p": "PROCEDURE"}
    bags = {s: [] for s in slots}
    frames = [f for line in FRAMES[k].split("\n") for f in line.split("|")]
    rows = []
    for frame in frames * 4:
        text, spans, rest = "", [], frame
        while "{" in rest:
            head, rest = rest.split("{", 1)
            slot, rest = rest[0], rest[2:]
            if not bags[slot]:
                bags[slot] = slots[slot].split("|")
                rng.shuffle(bags[slot])
            value = bags[slot].pop()
            text += head
            # An article or "my" before the value is not part of it.
            first = value.split(" ", 1)[0]
            skip = len(first) + 1 if first in ("a", "an", "the", "my") and value != "the pill" else 0
            if text.endswith(("my ", "his ", "the ", "your ", "another ")) and skip:
                value, skip = value[skip:], 0
            spans.append({"start": len(text) + skip, "end": len(text) + len(value), "type": names[slot]})
            text += value
        rows.append((text + rest, spans))
    rows += [(t, []) for t in PLAIN[k].split("|")]
    rows = list({t: (t, s) for t, s in rows}.values())
    rng.shuffle(rows)
    return rows


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent.parent / "fixtures" / "detect"
    rng = random.Random(20)
    for k, name in enumerate(("health", "health-held-out")):
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for n, (text, spans) in enumerate(half(k, rng)):
                out.write(json.dumps({"id": f"{name}-{n}", "text": "caller: " + text,
                                      "spans": [{**s, "start": s["start"] + 8, "end": s["end"] + 8} for s in spans]}) + "\n")
