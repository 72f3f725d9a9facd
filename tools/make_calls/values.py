"""Random fictional values and the ways in which people say them.

Nothing here can be a real person's: card numbers start with ranges that processors publish for tests, telephone numbers are
555-01xx, social security numbers are never issued (area 900-999 or the advertising block), mail domains are example.*.
"""

DIGIT = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
MONTHS = "January February March April May June July August September October November December".split()
ORDINALS = ("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
            "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
            "twenty-fifth twenty-sixth twenty-seventh twenty-eighth").split()

FIRST = ("Abigail Bernard Celia Desmond Edith Frank Georgia Howard Irene Julian Karen Leonard Monica Nathan Olivia Patrick "
         "Rachel Simon Teresa Victor Wendy Adrian Brenda Curtis").split()
LAST = ("Ashworth Barlow Crawford Dawson Ellison Fletcher Garrison Holloway Ingram Jennings Kirkland Lambert Merrick Norris "
        "Preston Radford Sheldon Thornton Underwood Vaughn Winslow Yates").split()
STREETS = ("Willow Court,Orchard Lane,Franklin Avenue,Lincoln Drive,Sunset Boulevard,Chestnut Street,Meadow Road,"
           "Jackson Street,Valley View Drive,Church Street,Highland Avenue,Spring Garden Road").split(",")
CITIES = "Denver,Springfield,Boise,Tucson,Dayton,Raleigh,Omaha,Fresno,Albany,Memphis".split(",")
CONDITIONS = ("high blood pressure,asthma,depression,migraine,epilepsy,pneumonia,anxiety,a heart condition,breast cancer,"
              "kidney disease,hepatitis,sleep apnea").split(",")
MEDICATIONS = "insulin,ibuprofen,amoxicillin,prednisone,aspirin,penicillin,morphine,albuterol,omeprazole".split(",")
PROCEDURES = "hip replacement,physical therapy,chemotherapy,cataract surgery,a blood transfusion,dialysis".split(",")
TEST_RANGES = ["400000", "401288", "411111", "424242", "510510", "520082", "555555", "542523", "222300", "601111", "601100"]


def digits(rng, n):
    """n random digits."""
    return "".join(rng.choice("0123456789") for _ in range(n))


def one_by_one(text, zero="zero"):
    """Digit after digit."""
    return " ".join(zero if d == "0" else DIGIT[int(d)] for d in text)


def two(text, zero="oh"):
    """Two digits as one number."""
    a, b = int(text[0]), int(text[1])
    if a == 0:
        return f"{zero} {zero if b == 0 else DIGIT[b]}"
    if a == 1:
        return TEENS[b]
    return TENS[a] + (f" {DIGIT[b]}" if b else "")


def doubled(text):
    """`double four`, `triple one` where digits repeat."""
    out, i = [], 0
    while i < len(text):
        run = 1
        while i + run < len(text) and text[i + run] == text[i] and run < 3:
            run += 1
        out.append({1: "", 2: "double ", 3: "triple "}[run] + DIGIT[int(text[i])])
        i += run
    return " ".join(out)


def groups(text, sizes, say):
    """Groups with a short pause after each."""
    out, at = [], 0
    for n in sizes:
        out.append(say(text[at:at + n]))
        at += n
    return ", ".join(out)


def some_way(rng, text, sizes):
    """A string of digits in one of the usual ways."""
    kind = rng.random()
    if kind < 0.55:
        return groups(text, sizes, one_by_one)
    if kind < 0.75:
        return groups(text, sizes, lambda g: one_by_one(g, "oh"))
    if kind < 0.88 or any(n % 2 for n in sizes):
        return groups(text, sizes, doubled)
    return groups(text, sizes, lambda g: " ".join(two(g[i:i + 2]) for i in range(0, len(g), 2)))


def luhn(body):
    """The body with its check digit (ISO/IEC 7812-1)."""
    total = 0
    for i, d in enumerate(reversed(body)):
        n = int(d) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return body + str(-total % 10)


def card(rng):
    """A card number of a test range: `(value, spoken)`."""
    if rng.random() < 0.15:
        value = luhn(rng.choice(["378282", "371449"]) + digits(rng, 8))
        return value, some_way(rng, value, (4, 6, 5))
    value = luhn(rng.choice(TEST_RANGES) + digits(rng, 9))
    return value, some_way(rng, value, (4, 4, 4, 4))


def cvv(rng):
    """A security code."""
    value = digits(rng, 3)
    return value, one_by_one(value, rng.choice(["zero", "oh"]))


def expiry(rng):
    """A card's last month."""
    month, year = rng.randint(1, 12), rng.randint(27, 33)
    spoken = rng.choice([
        f"{MONTHS[month - 1]} twenty {two(str(year))}",
        f"{two(f'{month:02}')}, {two(str(year))}",
        f"{two(f'{month:02}', 'zero')}, twenty {two(str(year))}",
    ])
    return f"{month:02}{year}", spoken


def ssn(rng):
    """A never-issued social security number."""
    value = rng.choice(["987654" + digits(rng, 3), f"9{digits(rng, 2)}{rng.randint(10, 49)}{digits(rng, 4)}"])
    return f"{value[:3]}-{value[3:5]}-{value[5:]}", some_way(rng, value, (3, 2, 4))


def ssn_last_four(rng):
    """Its last four."""
    value = digits(rng, 4)
    return value, some_way(rng, value, (4,))


def phone(rng):
    """A fictional North American number."""
    value = f"{rng.choice(['206', '303', '415', '512', '617', '704', '808', '919'])}55501{digits(rng, 2)}"
    return value, some_way(rng, value, (3, 3, 4))


def year(value):
    """Nineteen eighty four, two thousand three."""
    if value >= 2000:
        return "two thousand" + (f" {two(f'{value % 100:02}', '').strip()}" if value % 100 else "")
    return f"nineteen {two(str(value)[2:])}"


def born(rng):
    """A date of birth."""
    y, m, d = rng.randint(1940, 2004), rng.randint(1, 12), rng.randint(1, 28)
    spoken = rng.choice([
        f"{MONTHS[m - 1]} {ORDINALS[d - 1]}, {year(y)}",
        f"the {ORDINALS[d - 1]} of {MONTHS[m - 1]}, {year(y)}",
        f"{two(f'{m:02}')}, {two(f'{d:02}')}, {year(y)}",
    ])
    return f"{y}-{m:02}-{d:02}", spoken


def account(rng):
    """An account number of eight to ten digits."""
    value = rng.choice("123456789") + digits(rng, rng.choice([7, 8, 9]))
    return value, some_way(rng, value, {8: (4, 4), 9: (3, 3, 3), 10: (3, 3, 4)}[len(value)])


def routing(rng):
    """Nine digits with a right check digit, of a range that is not assigned (prefix 73-79)."""
    body = f"7{rng.randint(3, 9)}" + digits(rng, 6)
    total = sum(w * int(d) for w, d in zip((3, 7, 1, 3, 7, 1, 3, 7), body))
    value = body + str(-total % 10)
    return value, some_way(rng, value, (3, 3, 3))


def member(rng):
    """A health plan's member number."""
    value = digits(rng, 8)
    return value, some_way(rng, value, (4, 4))


def zip_code(rng):
    """A postal code."""
    value = rng.choice("123456789") + digits(rng, 4)
    return value, one_by_one(value, rng.choice(["zero", "oh"]))


def person(rng):
    """A name."""
    value = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    return value, value


def street(rng):
    """House number and street."""
    number, name = str(rng.randint(11, 999)), rng.choice(STREETS)
    spoken = two(number) if len(number) == 2 else rng.choice([one_by_one(number), f"{DIGIT[int(number[0])]} {two(number[1:])}"])
    return f"{number} {name}", f"{spoken} {name}"


def mail(rng):
    """An e-mail address."""
    first, last = rng.choice(FIRST).lower(), rng.choice(LAST).lower()
    domain = rng.choice(["com", "org", "net"])
    kind = rng.randint(0, 2)
    if kind == 0:
        return f"{first}.{last}@example.{domain}", f"{first} dot {last} at example dot {domain}"
    if kind == 1:
        n = str(rng.randint(21, 98))
        return f"{first}{n}@example.{domain}", f"{first} {two(n)} at example dot {domain}"
    return f"{first}_{last}@example.{domain}", f"{first} underscore {last} at example dot {domain}"


def pick(words):
    """A value that is spoken as it is written."""
    def one(rng):
        word = rng.choice(words)
        return word, word
    return one
