use super::*;
use std::{fmt::Write, fs, path::Path};

const BEGIN: &str = "<!-- matrix:begin -->";
const END: &str = "<!-- matrix:end -->";

/// The table of the guide: a row for each act.
fn table() -> String {
    let mut out = String::from("| act |");
    for role in Role::ALL {
        write!(out, " {} |", role.as_str().replace('_', " ")).unwrap();
    }
    out.push_str(" needs |\n|---|");
    out.push_str(&":-:|".repeat(Role::ALL.len()));
    out.push_str("---|\n");
    let cells = matrix();
    for act in Act::ALL {
        write!(out, "| `{act}` |").unwrap();
        let mut needs = BTreeSet::new();
        for cell in cells.iter().filter(|c| c.act == *act) {
            let mark = match &cell.verdict {
                Verdict::No => "",
                Verdict::ByGrant => "grant",
                Verdict::Yes(needed) => {
                    needs.extend(
                        needed.iter().filter(|n| **n != "second_person").map(|n| n.replace('_', "-")),
                    );
                    if needed.contains(&"second_person") { "with 2nd" } else { "yes" }
                }
            };
            write!(out, " {mark} |").unwrap();
        }
        writeln!(out, " {} |", needs.into_iter().collect::<Vec<_>>().join(", ")).unwrap();
    }
    out
}

/// Which purposes which role may have when reading.
fn purposes_table() -> String {
    let mut out = String::from("| role | reads for |\n|---|---|\n");
    for role in Role::ALL {
        let roles = BTreeSet::from([*role]);
        let own: Vec<_> = purposes(&roles, Act::ReadMasked).iter().map(|p| format!("`{p}`")).collect();
        let own = if own.is_empty() { "nothing of its own".to_owned() } else { own.join(", ") };
        writeln!(out, "| {} | {own} |", role.as_str().replace('_', " ")).unwrap();
    }
    out
}

/// Run with `CALLVAULT_BLESS=1` after changing a policy, and read the difference before committing it.
#[test]
fn the_guide_prints_what_the_policies_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/access.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let wanted = format!("{head}{BEGIN}\n{}\n{}{END}{tail}", table(), purposes_table());
    if std::env::var_os("CALLVAULT_BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == wanted,
        "the guide is behind; see the comment of this test"
    );
}

#[test]
fn the_matrix_has_every_cell_once_and_agrees_with_the_rights() {
    let cells = matrix();
    assert_eq!(cells.len(), Role::ALL.len() * Act::ALL.len());
    for role in Role::ALL {
        let rights = rights(&BTreeSet::from([*role]));
        for cell in cells.iter().filter(|c| c.role == *role) {
            assert_eq!(
                rights.contains(&cell.act),
                matches!(cell.verdict, Verdict::Yes(_)),
                "{role} {}",
                cell.act
            );
        }
    }
}

#[test]
fn who_may_do_what_in_five_sentences() {
    let verdict = |role, act| matrix().into_iter().find(|c| (c.role, c.act) == (role, act)).unwrap().verdict;
    assert_eq!(verdict(Role::Agent, Act::ReadMasked), Verdict::Yes(vec!["purpose"]));
    assert_eq!(verdict(Role::Agent, Act::PlayMuted), Verdict::ByGrant);
    assert_eq!(verdict(Role::Admin, Act::ReadMasked), Verdict::No);
    assert_eq!(
        verdict(Role::PrivacyOfficer, Act::Reveal),
        Verdict::Yes(vec!["purpose", "reason", "step_up"])
    );
    assert_eq!(
        verdict(Role::Supervisor, Act::Reveal),
        Verdict::Yes(vec!["purpose", "reason", "step_up", "second_person"])
    );
}

#[test]
fn forms_offer_the_purposes_that_serve() {
    let roles = BTreeSet::from([Role::Agent]);
    assert_eq!(purposes(&roles, Act::ReadMasked), [Purpose::Service, Purpose::Dispute]);
    assert_eq!(purposes(&roles, Act::Reveal), []);
    assert_eq!(purposes(&BTreeSet::new(), Act::ReadMasked), []);
}

/// A role may do what no other does only where separation of duties wants it so; nothing is out of everybody's reach.
#[test]
fn every_act_is_somebodys() {
    for act in Act::ALL {
        let someone = Role::ALL.iter().any(|r| rights(&BTreeSet::from([*r])).contains(act));
        assert!(someone, "{act}");
    }
}
