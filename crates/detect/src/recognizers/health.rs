//! Health content in callers' words: conditions, medicines, treatments, blood groups.

mod compound;

use super::{pattern::Pattern, phrase::Phrases};
use crate::{
    Error,
    context::{Candidate, Context},
    gazetteer::flag,
    lexicon,
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "health";

static CONDITIONS: Phrases = Phrases::new(
    "diabetes|type one diabetes|type two diabetes|type 1 diabetes|type 2 diabetes|diabetic|cancer|breast cancer|lung cancer|prostate cancer|colon cancer|skin cancer|leukemia|lymphoma|melanoma|tumor|tumour|asthma|copd|bronchitis|pneumonia|emphysema|hypertension|high blood pressure|low blood pressure|high cholesterol|heart attack|heart failure|heart disease|heart condition|congestive heart failure|stroke|arrhythmia|atrial fibrillation|afib|angina|anemia|hemophilia|epilepsy|seizure|seizures|migraine|migraines|depression|depressed|anxiety|anxiety disorder|panic attacks|bipolar|bipolar disorder|schizophrenia|ptsd|adhd|autism|autistic|dementia|alzheimers|alzheimer|alzheimer 's|parkinsons|parkinson 's|multiple sclerosis|ms diagnosis|lupus|arthritis|rheumatoid arthritis|osteoporosis|fibromyalgia|gout|sciatica|scoliosis|hiv|hiv positive|aids|hepatitis|hepatitis b|hepatitis c|herpes|chlamydia|gonorrhea|syphilis|tuberculosis|covid|covid 19|coronavirus|influenza|shingles|lyme disease|crohns|crohn 's disease|crohns disease|colitis|ulcerative colitis|ibs|irritable bowel|celiac|celiac disease|acid reflux|ulcer|ulcers|gallstones|kidney stones|kidney failure|kidney disease|liver disease|cirrhosis|pancreatitis|appendicitis|hernia|thyroid|hypothyroidism|hyperthyroidism|endometriosis|pcos|miscarriage|pregnant|pregnancy|infertility|menopause|psoriasis|eczema|glaucoma|cataracts|macular degeneration|sleep apnea|insomnia|vertigo|tinnitus|concussion|fracture|broken arm|broken leg|broken hip|torn ligament|sprained ankle|addiction|alcoholism|alcoholic|opioid addiction|overdose|eating disorder|anorexia|bulimia|obesity|allergic to penicillin|peanut allergy|anaphylaxis|chest pain|chest pains|shortness of breath|blood clot|blood clots|deep vein thrombosis|pulmonary embolism|urinary tract infection|uti|yeast infection|ear infection|sinus infection|strep throat|tonsillitis|mono|sepsis|gangrene|neuropathy|numbness|paralysis|paralyzed|cerebral palsy|down syndrome|cystic fibrosis|sickle cell|muscular dystrophy|als|terminally ill|terminal illness|disability|disabled|back pain|lower back pain|knee pain|abdominal pain|fever and chills|vomiting|suicidal|self harm|erectile dysfunction|prostatitis|incontinence|gestational diabetes|preeclampsia|postpartum depression|rash|hives|bedsores|hearing loss|heart murmur|hot flashes|carpal tunnel|the flu|flu|pink eye|low iron|low blood sugar|seasonal allergies|rotator cuff|morning sickness|food poisoning|panic attack|nervous breakdown|the shakes|night sweats",
);

static MEDICATIONS: Phrases = Phrases::new(
    "insulin|metformin|ozempic|wegovy|mounjaro|semaglutide|lisinopril|losartan|amlodipine|metoprolol|atenolol|carvedilol|hydrochlorothiazide|furosemide|lasix|atorvastatin|lipitor|simvastatin|rosuvastatin|crestor|pravastatin|warfarin|coumadin|eliquis|xarelto|plavix|clopidogrel|aspirin|ibuprofen|advil|motrin|tylenol|acetaminophen|paracetamol|naproxen|aleve|oxycodone|oxycontin|percocet|hydrocodone|vicodin|morphine|fentanyl|tramadol|codeine|methadone|suboxone|buprenorphine|gabapentin|lyrica|pregabalin|prednisone|prednisolone|cortisone|hydrocortisone|albuterol|ventolin|inhaler|advair|symbicort|singulair|montelukast|zyrtec|claritin|allegra|benadryl|amoxicillin|penicillin|azithromycin|zithromax|ciprofloxacin|cipro|doxycycline|cephalexin|antibiotics|antibiotic|omeprazole|prilosec|pantoprazole|nexium|famotidine|levothyroxine|synthroid|sertraline|zoloft|fluoxetine|prozac|escitalopram|lexapro|citalopram|celexa|paroxetine|paxil|venlafaxine|effexor|duloxetine|cymbalta|bupropion|wellbutrin|trazodone|alprazolam|xanax|lorazepam|ativan|diazepam|valium|clonazepam|klonopin|zolpidem|ambien|lithium|lamotrigine|lamictal|depakote|seroquel|quetiapine|abilify|aripiprazole|risperidone|risperdal|zyprexa|olanzapine|adderall|ritalin|concerta|vyvanse|keppra|topamax|dilantin|tegretol|humira|enbrel|remicade|methotrexate|plaquenil|hydroxychloroquine|tamoxifen|viagra|sildenafil|cialis|tadalafil|finasteride|tamsulosin|flomax|birth control pills|birth control|contraceptive pill|plan b|estrogen|testosterone|progesterone|epipen|epinephrine|nitroglycerin|digoxin|allopurinol|colchicine|spironolactone|truvada|prep medication|antiretrovirals|antidepressant|antidepressants|blood thinner|blood thinners|blood pressure medication|blood pressure pills|painkillers|statin|statins|sleeping pills|steroids|chemo drugs|eye drops|insulin pump|glipizide|januvia|jardiance|farxiga|trulicity|victoza|lantus|humalog|novolog",
);

static PROCEDURES: Phrases = Phrases::new(
    "surgery|heart surgery|open heart surgery|bypass surgery|back surgery|knee surgery|hip surgery|eye surgery|knee replacement|hip replacement|bypass|angioplasty|stent|pacemaker|transplant|kidney transplant|liver transplant|bone marrow transplant|biopsy|colonoscopy|endoscopy|mammogram|pap smear|ultrasound|mri|mri scan|ct scan|cat scan|pet scan|x ray|x rays|xray|ekg|ecg|echocardiogram|stress test|blood test|blood tests|blood work|lab work|dialysis|chemotherapy|chemo|radiation therapy|radiation treatment|radiotherapy|physical therapy|physiotherapy|occupational therapy|speech therapy|psychotherapy|marriage counseling|vasectomy|hysterectomy|c section|cesarean|abortion|ivf|in vitro fertilization|appendectomy|tonsillectomy|mastectomy|lumpectomy|colostomy|catheter|root canal|wisdom teeth removed|tooth extraction|cataract surgery|lasik|skin graft|amputation|blood transfusion|vaccination|vaccine|flu shot|covid test|hiv test|std test|pregnancy test|genetic test|genetic testing|drug test|rehab|detox|gastric bypass|gastric sleeve|liposuction|epidural|spinal tap|cortisone shot|sleep study|hospice care|hospice|prenatal visit|physical exam|electroshock therapy",
);

static BLOOD: Pattern = Pattern::new(
    r"(?i)\bblood (?:type|group)(?: is)? ((?:ab|a|b|o)\b ?(?:\+|-|positive|negative|pos|neg)?)|\b((?:AB|A|B|O)[\- ](?i:positive|negative))\b",
    |_| true,
);

/// Refuses a build whose pattern does not compile.
pub(crate) fn check() -> Result<(), Error> {
    BLOOD.check(NAME)
}

/// The words that the phrases begin with.
pub(super) fn first_words() -> impl Iterator<Item = &'static str> {
    [&CONDITIONS, &MEDICATIONS, &PROCEDURES].into_iter().flat_map(Phrases::first_words)
}

/// Finds health content.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    let mut i = 0usize;
    let mut blood: Vec<usize> = Vec::new();
    while i < ctx.doc.tokens.len() {
        if matches!(ctx.doc.word(i), "blood" | "positive" | "negative" | "pos" | "neg")
            && blood.last() != Some(&ctx.doc.turn_of(i))
        {
            blood.push(ctx.doc.turn_of(i));
        }
        if !ctx.begins(i, flag::PHRASE) {
            other(ctx, i, out);
            i = i.saturating_add(1);
            continue;
        }
        let hit = [
            (&CONDITIONS, E::Condition, "a condition"),
            (&MEDICATIONS, E::Medication, "a medicine"),
            (&PROCEDURES, E::Procedure, "a treatment or examination"),
        ]
        .into_iter()
        .filter_map(|(list, entity, reason)| list.at(ctx, i).map(|end| (end, entity, reason)))
        .max_by_key(|h| h.0);
        match hit {
            Some((end, entity, reason)) => {
                out.extend(ctx.over(i, dose(ctx, end, entity), entity, 0.85, NAME, reason));
                i = end;
            }
            None => {
                other(ctx, i, out);
                i = i.saturating_add(1);
            }
        }
    }
    if let Some(regex) = BLOOD.regex() {
        for (index, turn) in blood.into_iter().filter_map(|t| Some((t, ctx.doc.turns.get(t)?))) {
            for m in regex.captures_iter(&turn.normal.text).filter_map(|c| c.get(1).or_else(|| c.get(2))) {
                let (start, end) = (m.start(), m.start().saturating_add(m.as_str().trim_end().len()));
                out.push(Candidate {
                    turn: index,
                    start,
                    end,
                    entity: E::BloodType,
                    score: 0.9,
                    recognizer: NAME.into(),
                    reason: "a blood group",
                    value: 0,
                });
            }
        }
    }
}

/// What no list holds.
fn other(ctx: &Context<'_>, i: usize, out: &mut Vec<Candidate>) {
    announced(ctx, i, out);
    if let Some((first, end, entity)) = compound::at(ctx, i) {
        out.extend(ctx.over(first, end, entity, 0.75, NAME, "built like a word of health"));
    }
}

/// "metformin five hundred milligrams": the dose belongs to the medicine.
fn dose(ctx: &Context<'_>, end: usize, entity: E) -> usize {
    if entity != E::Medication {
        return end;
    }
    let at = ctx.segments.partition_point(|s| s.first < end);
    match ctx.segments.get(at).filter(|s| s.first == end && ctx.doc.same_turn(end, end.saturating_sub(1))) {
        Some(s)
            if matches!(
                ctx.doc.word(s.end),
                "mg" | "milligrams" | "milligram" | "ml" | "micrograms" | "mcg" | "units"
            ) && ctx.doc.same_turn(end, s.end) =>
        {
            s.end.saturating_add(1)
        }
        _ => end,
    }
}

/// "diagnosed with ...", "suffer from ...": up to three words that no list knows.
fn announced(ctx: &Context<'_>, i: usize, out: &mut Vec<Candidate>) {
    let (a, b) = (ctx.doc.word(i), ctx.doc.near(i, 1));
    let lead = matches!(
        (a, b),
        ("diagnosed", "with")
            | ("suffer" | "suffering" | "suffers", "from")
            | ("treated" | "treatment", "for")
    );
    if !lead {
        return;
    }
    let mut from = i.saturating_add(2);
    while ctx.doc.same_turn(i, from)
        && matches!(ctx.doc.word(from), "a" | "an" | "my" | "the" | "severe" | "chronic" | "acute" | "mild")
    {
        from = from.saturating_add(1);
    }
    let mut end = from;
    while ctx.doc.same_turn(i, end)
        && end.saturating_sub(from) < 3
        && ctx.name_like(end)
        && !lexicon::counted(ctx.doc.word(end))
    {
        end = end.saturating_add(1);
    }
    if end > from {
        out.extend(ctx.over(from, end, E::Condition, 0.75, NAME, "named as a diagnosis"));
    }
}
