//! Recovery shares on their way to those who hold them.

use crate::support::home::{Home, files};
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn each_share_lies_in_a_private_file_of_its_own_and_is_printed_nowhere() {
    let home = Home::new();
    let (to, at) = (home.path("holders"), |name: &str| home.path(name).display().to_string());
    for wrong in ["1/3", "4/3", "3", "0/0", "2/x", "2/300"] {
        home.run(["init", "--shares", wrong]).expect(2);
    }
    // A share beside what it opens, and a name that is taken, are refused before there is anything to lose.
    let inside = home.data().join("shares").display().to_string();
    assert!(home.run(["init", "--shares-to", &inside]).expect(3).err.contains("inside the data"));
    fs::create_dir(&to).unwrap();
    fs::write(to.join("share-4-of-5"), "somebody's").unwrap();
    let made = ["init", "--shares", "3/5", "--shares-to", &at("holders"), "--json"];
    assert!(home.run(made).expect(3).err.contains("exists already"));
    assert!(!home.data().join("vault.db").exists());
    fs::rename(to.join("share-4-of-5"), home.path("moved")).unwrap();

    let said = home.run(made).ok();
    assert_eq!(said.json()["share_files"].as_array().unwrap().len(), 5);
    let written = files(&to);
    assert_eq!(written.len(), 5);
    let shares: Vec<String> = written
        .iter()
        .map(|file| {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
            fs::read_to_string(file).unwrap()
        })
        .collect();
    assert!(shares.iter().all(|s| s.trim().split('-').count() == 19 && !said.all().contains(s.trim())));
    let (key, before) = (home.key_file(), fs::read_to_string(home.key_file()).unwrap());
    fs::rename(&key, home.path("lost")).unwrap();
    home.feed(["keys", "recover"], shares[..2].concat().as_bytes()).expect(3);
    home.feed(["keys", "recover"], shares[2..].concat().as_bytes()).ok();
    assert_eq!(fs::read_to_string(&key).unwrap(), before);

    let more = ["keys", "shares", "--needed", "2", "--made", "2", "--shares-to", &at("more")];
    let said = home.run(more).ok();
    assert_eq!(files(&home.path("more")).len(), 2);
    assert!(said.out.contains("share-1-of-2") && !said.out.contains(&shares[0][..20]));
    home.run(more).expect(3);
    home.run(["verify"]).ok();
}
