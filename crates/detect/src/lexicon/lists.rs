//! Longer word lists, read once.

use crate::gazetteer::Fnv;
use std::{collections::HashSet, hash::BuildHasherDefault, sync::OnceLock};

type Set = HashSet<&'static str, BuildHasherDefault<Fnv>>;

fn within(cell: &'static OnceLock<Set>, words: &'static str, word: &str) -> bool {
    cell.get_or_init(|| words.split_whitespace().collect()).contains(word)
}

/// Makers and makes of things that callers name and that are nobody's name.
pub(crate) fn brand(word: &str) -> bool {
    static CELL: OnceLock<Set> = OnceLock::new();
    within(&CELL, BRANDS, word)
}

/// Words that end a street name by the list of the postal service and are common words too.
pub(crate) fn rare_street(word: &str) -> bool {
    static CELL: OnceLock<Set> = OnceLock::new();
    within(&CELL, STREETS, word)
}

const BRANDS: &str = "
    dell inspiron latitude lenovo thinkpad ideapad acer aspire asus toshiba samsung galaxy iphone ipad macbook
    imac airpods pixel motorola nokia huawei xiaomi netgear linksys honda civic accord toyota corolla camry
    prius chevy chevrolet silverado malibu audi bmw volkswagen jetta nissan altima sentra hyundai elantra kia
    mazda subaru outback jeep wrangler tesla lexus acura volvo suzuki kawasaki yamaha harley mustang ford dodge
    gmc buick cadillac mitsubishi hp playstation xbox nintendo roku";

const STREETS: &str = "
    branch bridge brook brooks burg bypass camp canyon cape causeway center cliff cliffs club common corner
    corners course courts cove coves creek crest crossing crossroad dale dam divide estate estates extension
    fall falls ferry field fields flat flats ford fords forest forge fork forks fort garden gardens gateway glen
    green greens grove groves harbor harbors haven heights hill hills hollow inlet island islands isle junction
    key keys knoll knolls lake lakes land landing light lights loaf lock locks lodge mall manor manors meadow
    meadows mill mills mission motorway mount mountain mountains neck orchard oval overpass park parks pass
    passage path pike pine pines plain plains point points port ports prairie radial ramp ranch rapid rapids
    rest ridge ridges river roads route run shoal shoals shore shores skyway spring springs spur squares station
    stravenue stream summit throughway trace track trafficway tunnel union unions valley valleys viaduct view
    views village villages ville vista walks wall ways well wells";
