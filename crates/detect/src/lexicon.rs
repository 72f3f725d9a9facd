//! Small closed word lists of English, folded.

mod lists;
pub(crate) use lists::{brand, rare_street};

use crate::{closed::Closed, gazetteer::flag};

/// A word for one digit.
pub(crate) fn unit(word: &str) -> Option<char> {
    Some(match word {
        "zero" | "nought" | "naught" | "null" => '0',
        "one" => '1',
        "two" => '2',
        "three" => '3',
        "four" => '4',
        "five" => '5',
        "six" => '6',
        "seven" => '7',
        "eight" => '8',
        "nine" | "niner" => '9',
        _ => return None,
    })
}

/// A word that recognisers print for a digit; believed only between digits.
pub(crate) fn homophone(word: &str) -> Option<char> {
    Some(match word {
        "oh" | "o" | "owe" | "ohh" => '0',
        "won" | "wan" => '1',
        "to" | "too" => '2',
        "tree" => '3',
        "for" | "fore" | "forth" => '4',
        "fife" | "sides" | "hive" => '5',
        "sex" | "sicks" | "sics" => '6',
        "ate" => '8',
        "nein" | "mine" => '9',
        _ => return None,
    })
}

/// Every word with which a number can begin: those of [`unit`], [`homophone`], [`teen`], [`tens`], [`repeat`] and the
/// Spanish ones that are not read as English ones.
pub(crate) fn number_words() -> impl Iterator<Item = &'static str> {
    NUMBER_WORDS.split_whitespace().chain(crate::language::number_words())
}

const NUMBER_WORDS: &str = "zero nought naught null one two three four five six seven eight nine niner \
    oh o owe ohh won wan to too tree for fore forth fife sides hive sex sicks sics ate nein mine \
    ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen \
    twenty thirty forty fourty fifty sixty seventy eighty ninety \
    double triple treble quadruple";

/// Ten to nineteen.
pub(crate) fn teen(word: &str) -> Option<&'static str> {
    Some(match word {
        "ten" => "10",
        "eleven" => "11",
        "twelve" => "12",
        "thirteen" => "13",
        "fourteen" => "14",
        "fifteen" => "15",
        "sixteen" => "16",
        "seventeen" => "17",
        "eighteen" => "18",
        "nineteen" => "19",
        _ => {
            return crate::language::compound(word).and_then(crate::language::compound_of);
        }
    })
}

/// Twenty to ninety, by the tens digit.
pub(crate) fn tens(word: &str) -> Option<char> {
    Some(match word {
        "twenty" => '2',
        "thirty" => '3',
        "forty" | "fourty" => '4',
        "fifty" => '5',
        "sixty" => '6',
        "seventy" => '7',
        "eighty" => '8',
        "ninety" => '9',
        _ => return None,
    })
}

/// "double five": how often the next digit counts.
pub(crate) fn repeat(word: &str) -> Option<usize> {
    Some(match word {
        "double" => 2,
        "triple" | "treble" => 3,
        "quadruple" => 4,
        _ => return None,
    })
}

/// What a word says of a number, in one byte: 0 nothing, or the places below.
pub(crate) mod code {
    pub const UNIT: u8 = 1;
    pub const TEEN: u8 = 11;
    /// From twenty on, by the tens digit.
    pub const TENS: u8 = 20;
    pub const REPEAT: u8 = 30;
    pub const HOMOPHONE: u8 = 40;
    /// "owe", which is believed less often than "oh".
    pub const OWE: u8 = 50;
    /// Twenty-one to twenty-nine in one word, by their place in the table.
    pub const COMPOUND: u8 = 60;
}

/// The byte of a word; [`unit`], [`teen`], [`tens`], [`repeat`] and [`homophone`] exclude each other.
pub(crate) fn number_code(word: &str) -> u8 {
    let digit = |c: char| u8::try_from(c.to_digit(10).unwrap_or(0)).unwrap_or(0);
    if let Some(c) = unit(word) {
        code::UNIT.saturating_add(digit(c))
    } else if let Some(place) = crate::language::compound(word) {
        code::COMPOUND.saturating_add(place)
    } else if let Some(t) = teen(word) {
        code::TEEN.saturating_add(t.bytes().next_back().unwrap_or(b'0').saturating_sub(b'0'))
    } else if let Some(c) = tens(word) {
        code::TENS.saturating_add(digit(c))
    } else if let Some(n) = repeat(word) {
        code::REPEAT.saturating_add(u8::try_from(n).unwrap_or(0))
    } else if word == "owe" {
        code::OWE
    } else {
        homophone(word).map_or(0, |c| code::HOMOPHONE.saturating_add(digit(c)))
    }
}

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const TEENS: [&str; 10] = ["10", "11", "12", "13", "14", "15", "16", "17", "18", "19"];

fn nth<T: Copy>(table: &[T], n: u8, from: u8) -> Option<T> {
    n.checked_sub(from).and_then(|k| table.get(usize::from(k))).copied()
}

/// [`unit`] by the byte of a word.
#[inline]
pub(crate) fn unit_of(n: u8) -> Option<char> {
    nth(&DIGITS, n, code::UNIT)
}

/// [`teen`] by the byte of a word.
#[inline]
pub(crate) fn teen_of(n: u8) -> Option<&'static str> {
    if n >= code::COMPOUND {
        return crate::language::compound_of(n.saturating_sub(code::COMPOUND));
    }
    nth(&TEENS, n, code::TEEN)
}

/// [`tens`] by the byte of a word.
#[inline]
pub(crate) fn tens_of(n: u8) -> Option<char> {
    nth(&DIGITS, n, code::TENS).filter(|c| *c > '1')
}

/// [`repeat`] by the byte of a word.
#[inline]
pub(crate) fn repeat_of(n: u8) -> Option<usize> {
    n.checked_sub(code::REPEAT).filter(|k| (2..=4).contains(k)).map(usize::from)
}

/// [`homophone`] by the byte of a word.
#[inline]
pub(crate) fn homophone_of(n: u8) -> Option<char> {
    if n == code::OWE { Some('0') } else { nth(&DIGITS, n, code::HOMOPHONE) }
}

/// First to thirty-first, as a day or a house number.
pub(crate) fn ordinal(word: &str) -> Option<u8> {
    Some(match word {
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fourth" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        "thirteenth" => 13,
        "fourteenth" => 14,
        "fifteenth" => 15,
        "sixteenth" => 16,
        "seventeenth" => 17,
        "eighteenth" => 18,
        "nineteenth" => 19,
        "twentieth" => 20,
        "thirtieth" => 30,
        _ => return None,
    })
}

/// Month names and their short forms that are no other word.
pub(crate) fn month(word: &str) -> bool {
    matches!(
        word,
        "january"
            | "february"
            | "march"
            | "april"
            | "may"
            | "june"
            | "july"
            | "august"
            | "september"
            | "october"
            | "november"
            | "december"
            | "jan"
            | "feb"
            | "mar"
            | "apr"
            | "jun"
            | "jul"
            | "aug"
            | "sep"
            | "sept"
            | "oct"
            | "nov"
            | "dec"
    )
}

/// Days of the week.
pub(crate) fn weekday(word: &str) -> bool {
    matches!(word, "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday")
}

/// Every word of [`month`], [`weekday`], [`ordinal`] and [`tens`]: a date in words begins with one of them.
pub(crate) fn date_words() -> impl Iterator<Item = &'static str> {
    DATE_WORDS.split_whitespace()
}

const DATE_WORDS: &str = "january february march april may june july august september october november december \
    jan feb mar apr jun jul aug sep sept oct nov dec \
    monday tuesday wednesday thursday friday saturday sunday \
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth \
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth \
    twenty thirty forty fourty fifty sixty seventy eighty ninety";

/// Words people put between the digits of one number.
pub(crate) const FILLERS: &str = "finally lastly ehm mmm nope uh uhh uhhh um umm ummm ahh err well thats er erm ah eh hmm uhm umm mm dash hyphen space then and no sorry wait actually not correction i \
    mean like lets see okay ok it 's that is again slash minus next its so yeah noise comma let me";

/// Whether people put the word between the digits of one number.
pub(crate) fn filler(word: &str) -> bool {
    Closed::get().flags(word).is_some_and(|f| f & flag::FILLER != 0)
}

/// Words of a turn that only says "go on".
pub(crate) const ACKNOWLEDGEMENTS: &str = "mm hm hmm mhm uh huh uhhuh um uhm umm okay ok k yes yeah yep yup right alright sure got it go on \
    ahead continue good great perfect thanks thank you and then next i see correct keep going please \
    fine that 's noise all hang keep sir maam uhh umm one sec second moment so listening er ah oh";

/// Whether a turn of such words only says "go on".
pub(crate) fn acknowledgement(word: &str) -> bool {
    Closed::get().flags(word).is_some_and(|f| f & flag::ACK != 0)
}

/// A unit of measure or a counted thing: the number before it is an amount, not a value of a person.
pub(crate) fn counted(word: &str) -> bool {
    matches!(
        word,
        "dollar"
            | "dollars"
            | "cent"
            | "cents"
            | "buck"
            | "bucks"
            | "pound"
            | "pounds"
            | "euro"
            | "euros"
            | "usd"
            | "rupees"
            | "percent"
            | "minute"
            | "minutes"
            | "min"
            | "mins"
            | "hour"
            | "hours"
            | "second"
            | "seconds"
            | "day"
            | "days"
            | "week"
            | "weeks"
            | "month"
            | "months"
            | "year"
            | "years"
            | "time"
            | "times"
            | "am"
            | "pm"
            | "oclock"
            | "degrees"
            | "people"
            | "person"
            | "persons"
            | "ticket"
            | "tickets"
            | "item"
            | "items"
            | "room"
            | "rooms"
            | "bag"
            | "bags"
            | "piece"
            | "pieces"
            | "gb"
            | "mb"
            | "tb"
            | "mbps"
            | "gig"
            | "gigs"
            | "megabytes"
            | "gigabytes"
            | "kilometers"
            | "km"
            | "miles"
            | "mile"
            | "feet"
            | "inch"
            | "inches"
            | "kg"
            | "lbs"
            | "ounces"
            | "stars"
            | "star"
            | "points"
            | "nights"
            | "night"
            | "guests"
            | "seats"
            | "stops"
            | "stop"
            | "layover"
            | "layovers"
            | "passengers"
            | "copies"
            | "boxes"
            | "units"
            | "pizzas"
            | "meters"
            | "thousand"
            | "million"
            | "matches"
            | "options"
            | "results"
            | "others"
            | "bedroom"
            | "bedrooms"
            | "bed"
            | "beds"
            | "bath"
            | "baths"
            | "bathroom"
            | "bathrooms"
            | "mg"
            | "milligrams"
            | "ml"
            | "tablets"
            | "pills"
            | "percentage"
            | "digits"
            | "digit"
            | "different"
            | "more"
            | "p"
            | "a"
            | "users"
            | "customers"
            | "calls"
            | "episodes"
            | "percents"
            | "hundred"
            | "k"
    )
}

/// Words that end a name and never belong to one.
pub(crate) fn function_word(word: &str) -> bool {
    Closed::get().flags(word).is_some_and(|f| f & flag::FUNCTION != 0)
}

/// Every function word.
pub(crate) fn function_words() -> impl Iterator<Item = &'static str> {
    FUNCTION_WORDS.split_whitespace()
}

/// The code letter of a spelling alphabet.
pub(crate) fn nato(word: &str) -> Option<char> {
    Some(match word {
        "alpha" | "alfa" => 'a',
        "bravo" => 'b',
        "charlie" => 'c',
        "delta" => 'd',
        "echo" => 'e',
        "foxtrot" => 'f',
        "golf" => 'g',
        "hotel" => 'h',
        "india" => 'i',
        "juliet" | "juliett" => 'j',
        "kilo" => 'k',
        "lima" => 'l',
        "mike" => 'm',
        "november" => 'n',
        "oscar" => 'o',
        "papa" => 'p',
        "quebec" => 'q',
        "romeo" => 'r',
        "sierra" => 's',
        "tango" => 't',
        "uniform" => 'u',
        "victor" => 'v',
        "whiskey" | "whisky" => 'w',
        "xray" => 'x',
        "yankee" => 'y',
        "zulu" => 'z',
        _ => return None,
    })
}

/// Words that end a street name.
pub(crate) fn street(word: &str) -> bool {
    matches!(
        word,
        "street"
            | "streets"
            | "st"
            | "avenue"
            | "ave"
            | "av"
            | "road"
            | "rd"
            | "drive"
            | "dr"
            | "lane"
            | "ln"
            | "boulevard"
            | "blvd"
            | "court"
            | "ct"
            | "place"
            | "pl"
            | "way"
            | "terrace"
            | "circle"
            | "cir"
            | "parkway"
            | "pkwy"
            | "highway"
            | "hwy"
            | "square"
            | "sq"
            | "trail"
            | "alley"
            | "crescent"
            | "close"
            | "row"
            | "loop"
            | "plaza"
            | "walk"
            | "mews"
            | "expressway"
            | "freeway"
            | "turnpike"
            | "broadway"
            | "strasse"
            | "str"
            | "nagar"
            | "camino"
            | "pde"
            | "cres"
            | "tce"
            | "gdns"
            | "esplanade"
    )
}

const FUNCTION_WORDS: &str = "
    a an the and or but i im ive id ill you your youre we our us they them their he she his her him
    it its this that these those there here is am are was were be been being have has had do does
    did done can could would should shall will might must need want like to of in on at for from
    with by about as into out up down over so if then than not no yes yeah yep yup nope ok okay uh
    um uhm er hmm mm hm hi hello hey thanks thank please sorry sure right alright well just really
    my me mine what which who when where why how name names number calling call called speaking
    looking trying going having getting got get account card phone email address zip code order help
    today now last first middle again also because back check pay one two three four five six seven
    eight nine ten zero thirteen twenty customer service agent department bank national welcome good
    morning afternoon evening great day very too only still already correct new old happy glad
    interested wondering afraid hoping ready fine lost transfer money bill appointment schedule
    reset password anything something everything nothing else dollars spell spelled let lets may
    since before after some any all more most many much question problem issue internet 's same
    other another confirm booking checking savings balance local branch hours thats whats cant dont
    wont didnt isnt doesnt theyre noise see book ssn social security policy claim calls tell says
    said say send give take make know think mean guess believe under whether while until without
    every each both few own line side end time week month year wanted needed using use reach reached
    billing sales support actually born living live lives located contact via per plus lot bit
    little kind sort oh alrighty bye goodbye thatll itll youd youve youll weve wed theyd theyll
    theyve hed whos heres theres wheres gonna wanna gotta maam sir mkay mhm unintelligible kindly
    enjoy perhaps arent wasnt havent hasnt hadnt couldnt wouldnt shouldnt aint thatd itd lemme yea
    ya unk repeat passcode medicare model version website";

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word in quotes of a function of this file.
    fn quoted(function: &str) -> Vec<&'static str> {
        let body = include_str!("lexicon.rs").split(function).nth(1).unwrap().split("\n}\n").next().unwrap();
        body.split('"').skip(1).step_by(2).filter(|w| w.bytes().all(|b| b.is_ascii_lowercase())).collect()
    }

    /// The list and the functions must name the same words, or a date is passed over.
    #[test]
    fn every_word_of_the_date_functions_is_listed() {
        let listed: Vec<_> = date_words().collect();
        let mut all = 0;
        for (function, least) in [("fn month(", 23), ("fn weekday(", 7), ("fn ordinal(", 21), ("fn tens(", 9)]
        {
            let words = quoted(function);
            assert!(words.len() >= least, "{function} {words:?}");
            all += words.len();
            for word in words {
                assert!(listed.contains(&word), "{word:?} of {function} is not listed");
            }
        }
        assert_eq!(listed.len(), all);
    }

    #[test]
    fn a_byte_says_what_the_word_says() {
        for word in number_words().chain(function_words()).chain(["", "mil", "ciento", "card"]) {
            let n = number_code(word);
            assert_eq!(
                (unit_of(n), teen_of(n), tens_of(n), repeat_of(n), homophone_of(n)),
                (unit(word), teen(word), tens(word), repeat(word), homophone(word)),
                "{word}"
            );
        }
    }

    /// The list and the functions must name the same words, or a number is passed over.
    #[test]
    fn every_word_of_the_number_functions_is_listed() {
        let listed: Vec<_> = number_words().collect();
        let source = include_str!("lexicon.rs");
        for function in ["fn unit(", "fn homophone(", "fn teen(", "fn tens(", "fn repeat("] {
            let body = source.split(function).nth(1).unwrap().split("_ => return").next().unwrap();
            let words = body
                .lines()
                .filter_map(|l| l.split("=>").next())
                .flat_map(|l| l.split('"').skip(1).step_by(2));
            let mut count = 0;
            for word in words {
                count += 1;
                assert!(listed.contains(&word), "{word:?} of {function} is not listed");
            }
            assert!(count >= 3, "{function}");
        }
        let begins = |w: &str| {
            unit(w).is_some()
                || homophone(w).is_some()
                || teen(w).is_some()
                || tens(w).is_some()
                || repeat(w).is_some()
        };
        for word in NUMBER_WORDS.split_whitespace() {
            assert!(begins(word), "{word:?} begins no number");
        }
    }
}
