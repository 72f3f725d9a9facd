//! Word lists for generated text, separated by `|`.

pub const ORDINALS: &str = "First|Second|Third|Fifth|Main|Oak|Maple|Washington|Lake|Park|Elm|Hill|Church|High|Station|Mill|\
     River|King|Queen|Market";
pub const SUFFIXES: &str = "Street|St|Avenue|Ave|Road|Rd|Lane|Drive|Dr|Boulevard|Blvd|Court|Place|Way|Terrace|Circle|\
     Parkway|Crescent|Close|Hwy|Street|Avenue";
pub const FOREIGN_BEFORE: &str = "Rue|Rua|Via|Calle|Avenida|Carrera|Ulica|ul.|Viale|Piazza|Chemin|Avenue|Rue de|Rue du|Avenue de|\
     Allee|Praca|Corso|Largo|Impasse|Boulevard|Place de la|C/|Plaza|Paseo|Caminho|Estrada|Jalan|\
     Ulitsa|Am|An der|Unter den";
pub const FOREIGN_AFTER: &str = "strasse|gatan|vagen|straat|laan|weg|katu|tie|vej|gade|veien|gata|utca|u.|ut|ter|gasse|platz|\
     allee|tn|mnt|pst|gat|braut|vegur|stigen|kuja|plein|singel|dreef|bakken|alle|ulice|cesta|trg|\
     nam.";
pub const STATES: &str =
    "AL|AK|AZ|CA|CO|CT|FL|GA|IL|IN|KY|LA|MA|MD|MI|MN|MO|NC|NJ|NM|NV|NY|OH|OK|OR|PA|TN|TX|UT|VA|WA|WI";
pub const WORDS: &str = "Blue|Golden|Silver|Grand|Little|Old|Royal|Green|Star|Moon|Sun|Ocean|River|Fire|Night|Day|Secret|\
     Lost|Last|Wild|Happy|Broken|Summer|Winter|House|Garden|City|Road|Heart|Dream|World|Time|Love|\
     King|Light|Shadow|Story|Train|Island|Bridge|Dance|Song";
pub const VENUES: &str = "Grill|Kitchen|Cafe|Bistro|Pizza|Restaurant|Inn|Hotel|Suites|Theater|Cinema|Arena|Stadium|\
     Apartments|Salon|Spa|Barber Shop|Bar|House|Club|Hall|Center|Diner|Sushi|Resort|Lodge";
pub const PRACTICES: &str = "Dental|Dental Care|Family Dentistry|Dental Group|Orthodontics|Medical Center|Health Center|\
     Family Practice|Clinic|Eye Care|Dermatology|Counseling|Psychology|Pediatrics|Medical Group|\
     Dental Office";
pub const MONTHS: &str =
    "January|February|March|April|May|June|July|August|September|October|November|December";
pub const DAYS: &str = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|next week|today";
pub const PEOPLES: &str = "American|British|French|German|Italian|Spanish|Polish|Swedish|Norwegian|Dutch|Greek|Turkish|\
     Indian|Chinese|Japanese|Korean|Mexican|Brazilian|Canadian|Irish|Scottish|Russian|Ukrainian|\
     Egyptian|Nigerian|Kenyan|Hungarian|Czech|Danish|Finnish|Catholic|Muslim|Jewish|Asian|African|\
     Australian";
pub const TLDS: &str = "com|net|org|de|co.uk|fr|it|hu|io|info";
pub const NUMBER_WORDS: &str = "zero|one|two|three|four|five|six|seven|eight|nine";
