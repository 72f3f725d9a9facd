use super::*;

const SARIF: &str = include_str!("../../tests/reports/sarif.json");
const NMAP: &str = include_str!("../../tests/reports/nmap.xml");
const TRIVY: &str = include_str!("../../tests/reports/trivy.json");

fn at(t: &str) -> Timestamp {
    t.parse().unwrap()
}

#[test]
fn sarif_is_read_with_grades_and_without_what_passed() {
    let scan = understand(SARIF.as_bytes()).unwrap();
    assert_eq!(scan.tool, "made scanner");
    let seen: Vec<_> = scan.findings.iter().map(|f| (f.rule.as_str(), f.asset.as_str(), f.grade)).collect();
    assert_eq!(
        seen,
        [
            ("R1", "src/a.py:7", Grade::Critical),
            ("R2", "deploy/x.yml", Grade::Medium),
            ("R3", "", Grade::High)
        ]
    );
}

#[test]
fn nmap_is_read_past_its_document_type() {
    let scan = understand(NMAP.as_bytes()).unwrap();
    let seen: Vec<_> = scan.findings.iter().map(|f| (f.rule.as_str(), f.asset.as_str(), f.grade)).collect();
    assert_eq!(
        seen,
        [
            ("open-port-5038", "192.0.2.10:5038/tcp", Grade::High),
            ("open-port-443", "192.0.2.10:443/tcp", Grade::Low),
            ("ssl-poodle", "192.0.2.10:443/tcp", Grade::High),
        ]
    );
}

#[test]
fn trivy_is_read_and_a_secret_is_not_kept() {
    let scan = understand(TRIVY.as_bytes()).unwrap();
    let seen: Vec<_> = scan.findings.iter().map(|f| (f.rule.as_str(), f.grade)).collect();
    assert_eq!(
        seen,
        [("CVE-2026-0001", Grade::Critical), ("DS002", Grade::High), ("aws-access-key-id", Grade::Critical)]
    );
    assert!(!format!("{scan:?}").contains("AKIA"), "the matched line stays out");
}

#[test]
fn strangers_are_refused_with_a_reason() {
    let deep = format!("{{\"runs\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE nmaprun [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><nmaprun><host><address addr=\"&b;\" addrtype=\"ipv4\"/><ports><port protocol=\"tcp\" portid=\"80\"><state state=\"open\"/></port></ports></host></nmaprun>";
    let scan = understand(bomb.as_bytes()).unwrap();
    assert_eq!(scan.findings[0].asset, "&b;:80/tcp", "an entity stays what it is");
    let outside = bomb.replace("\"aaaaaaaa\"", "SYSTEM \"file:///etc/passwd\"");
    assert!(!format!("{:?}", understand(outside.as_bytes()).unwrap()).contains("root:"));
    let nested = format!("<nmaprun>{}", "<a>".repeat(80));
    for (text, why) in [
        (deep.as_str(), "nested deeper"),
        (nested.as_str(), "nested deeper"),
        ("{\"a\":1}", "another kind"),
        ("<html></html>", "another program"),
        ("<nmaprun><host>", "cut off"),
        ("{\"runs\":[],\"version\":\"2.0.0\"}", "another version"),
        ("hello", "no JSON"),
        ("", "no JSON"),
    ] {
        let told = understand(text.as_bytes()).unwrap_err();
        assert!(told.contains(why), "{text}: {told}");
    }
    assert!(understand(&[0xff, 0xfe, 0x00]).is_err());
}

/// Splitmix64, so that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

fn mutate(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..=chance.below(8) {
        let n = out.len().max(1);
        let (a, b) = (chance.below(n), chance.below(n));
        match chance.below(6) {
            0 => out[a] = chance.below(256) as u8,
            1 => out.truncate(a.max(1)),
            2 => out.insert(a, b"<>{}[]\"&;\\\0"[chance.below(11)]),
            3 => {
                let piece: Vec<u8> = out[a.min(b)..a.max(b)].iter().copied().take(500).collect();
                out.splice(a..a, piece);
            }
            4 => drop(out.drain(a.min(b)..(a.min(b) + (a.max(b) - a.min(b)).min(60)))),
            _ => out.swap(a, b),
        }
        if out.is_empty() {
            out.push(b'{');
        }
    }
    out
}

#[test]
fn mutated_reports_neither_panic_nor_grow() {
    for (seed, name) in [(SARIF, "sarif"), (NMAP, "nmap"), (TRIVY, "trivy")] {
        let (mut taken, mut refused) = (0, 0);
        for n in 0..2_000u64 {
            let bytes = mutate(seed.as_bytes(), &mut Chance(n * 7919 + 1));
            match understand(&bytes) {
                Ok(scan) => {
                    taken += 1;
                    for f in &scan.findings {
                        assert!(
                            f.rule.len() + f.asset.len() + f.title.len() <= 3 * 4 * MAX_TEXT + 200,
                            "{name} {n}"
                        );
                        assert!(!f.title.contains('\n') && !f.asset.contains('\u{1b}'));
                    }
                    Register::default().take(&scan, at("2026-11-24T00:00:00Z"));
                }
                Err(why) => {
                    refused += 1;
                    assert!(!why.is_empty());
                }
            }
        }
        assert!(
            taken > 50 && refused > 50,
            "{name}: {taken} taken, {refused} refused: the mutations reach both ways"
        );
    }
}

#[test]
fn the_register_joins_dates_and_closes() {
    let dir = tempfile::tempdir().unwrap();
    let mut register = Register::load(dir.path()).unwrap();
    let nmap = understand(NMAP.as_bytes()).unwrap();
    let first = register.take(&nmap, at("2026-11-01T00:00:00Z"));
    assert_eq!((first.told, first.new, first.gone), (3, 3, 0));
    let again = register.take(&nmap, at("2026-11-02T00:00:00Z"));
    assert_eq!((again.new, again.gone, register.entries.len()), (0, 0, 3));
    let other = Scan { tool: "other".into(), findings: vec![nmap.findings[0].clone()] };
    assert_eq!(register.take(&other, at("2026-11-03T00:00:00Z")).new, 0, "two scanners, one finding");
    let less = Scan { tool: "nmap".into(), findings: vec![nmap.findings[0].clone()] };
    assert_eq!(register.take(&less, at("2026-11-04T00:00:00Z")).gone, 2);
    assert_eq!(register.overdue(at("2026-11-30T00:00:00Z")).count(), 0);
    assert_eq!(register.overdue(at("2026-12-02T00:00:00Z")).count(), 1);
    assert_eq!(register.take(&nmap, at("2026-12-03T00:00:00Z")).back, 2);
    register.save(dir.path()).unwrap();
    assert_eq!(Register::load(dir.path()).unwrap(), register);
    assert_eq!(register.newest(at("2026-12-05T00:00:00Z"))["nmap"], 2);
}
