use super::*;
use proptest::prelude::*;

const TOKEN: &str = "transit:address=https://bao.example.org:8200;mount=kv/transit;key=callvault;namespace=team/a?token-file=/run/a%20token&ca-file=/etc/bao/ca.pem";
const ROLE: &str = "transit:address=http://127.0.0.1:8200;mount=transit;key=k?approle=approle&role-id-file=/r&secret-id-file=/s";
const KMS: &str = "awskms:region=eu-central-1;key=arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab?credentials-file=/run/aws";
const ENDPOINT: &str = "awskms:region=us-east-1;key=mrk-1234abcd12ab34cd56ef1234567890ab;endpoint=http://[::1]:5000?credentials-file=/c&ca-file=/ca";

#[test]
fn a_place_reads_and_prints_the_same() {
    for line in [TOKEN, ROLE, KMS, ENDPOINT] {
        assert_eq!(line.parse::<Place>().unwrap().to_string(), line);
        assert!(Place::begins(line));
    }
    let host = |line: &str| line.parse::<Place>().unwrap().host();
    assert_eq!(
        [TOKEN, ROLE, KMS, ENDPOINT].map(host),
        ["bao.example.org:8200", "127.0.0.1:8200", "kms.eu-central-1.amazonaws.com", "[::1]:5000"]
    );
    let files = |line: &str| line.parse::<Place>().unwrap().secret_files().len();
    assert_eq!([TOKEN, ROLE, KMS].map(files), [1, 2, 1]);
    let Place::AwsKms(kms) = KMS.parse().unwrap() else { panic!() };
    assert_eq!(kms.authorities(), Path::new(WEB_ROOTS));
    assert!(
        kms.is(&kms.key)
            && !kms.is("arn:aws:kms:eu-central-1:999922223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
    );
    let port: Address = "https://bao.example.org:443".parse().unwrap();
    assert_eq!((port.authority(), port.https()), ("bao.example.org", true));
}

#[test]
fn what_tells_a_key_from_others_is_bound_and_what_leads_to_it_is_not() {
    let key = |line: &str| line.parse::<Place>().unwrap().key_of_service();
    let other_file = TOKEN.replace("/run/a%20token", "/run/b").replace("bao.example.org", "bao2.example.org");
    assert_eq!(key(TOKEN), key(&other_file));
    for other in [
        TOKEN.replace("key=callvault", "key=callvault2"),
        TOKEN.replace("mount=kv/transit", "mount=transit"),
        TOKEN.replace("namespace=team/a", "namespace=team/b"),
        TOKEN.replace(";namespace=team/a", ""),
    ] {
        assert_ne!(key(TOKEN), key(&other), "{other}");
    }
    assert_ne!(key(KMS), key(&KMS.replace("1234abcd-", "1234abce-")));
    assert_ne!(key(KMS), key(&KMS.replace("eu-central-1", "eu-central-2")));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let long = format!("{TOKEN}{}", "x".repeat(MAX));
    for (line, why) in [
        ("vault:x".to_owned(), "begins neither"),
        (long, "longer"),
        (TOKEN.replace("https://", "http://"), "this machine itself"),
        (TOKEN.replace("https://", "ftp://"), "https://HOST"),
        (TOKEN.replace(":8200", ":8200/v1"), "https://HOST"),
        (TOKEN.replace("https://", "https://me:secret@"), "https://HOST"),
        (TOKEN.replace(":8200", ":0"), "https://HOST"),
        (TOKEN.replace("bao.example.org:8200", ""), "https://HOST"),
        (TOKEN.replace("&ca-file=/etc/bao/ca.pem", ""), "ca-file="),
        (TOKEN.replace("key=callvault", "key=../sys"), "key="),
        (TOKEN.replace("kv/transit", "../sys"), "mount"),
        (TOKEN.replace("kv/transit", "a//b"), "mount"),
        (TOKEN.replace("team/a", "team a"), "mount or namespace"),
        (TOKEN.replace("/run/a%20token", "token"), "absolute"),
        (TOKEN.replace("token-file=", "token="), "must not stand"),
        (TOKEN.replace("&ca-file", "&role-id-file=/r&ca-file"), "either"),
        (ROLE.replace("&secret-id-file=/s", ""), "either"),
        (ROLE.replace("key=k", "key=k;key=l"), "twice"),
        (ROLE.replace("key=k", "key=k;skip-verify=1"), "understood"),
        (KMS.replace("key=arn", "key=alias/x;x=arn"), "understood"),
        ("awskms:region=eu-central-1;key=alias/x?credentials-file=/c".into(), "alias"),
        (KMS.replace("region=eu-central-1", "region=eu-west-1"), "in this region"),
        (KMS.replace("?credentials-file=/run/aws", ""), "credentials-file="),
        (KMS.replace("region=eu-central-1", "region=evil.example"), "no region"),
        (KMS.replace("region=eu-central-1;", ""), "region="),
    ] {
        let e = line.parse::<Place>().unwrap_err().to_string();
        assert!(e.contains(why), "{line}: {e}");
        assert!(!e.contains("secret@"), "{e}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_prints_the_same_place(noise in "\\PC{0,64}", file in "/\\PC{1,32}") {
        for scheme in ["transit:", "awskms:", "transit:address=https://", "awskms:region=us-east-1;key="] {
            let _ = format!("{scheme}{noise}").parse::<Place>();
        }
        let _ = noise.parse::<Address>();
        let mut place: Place = TOKEN.parse().unwrap();
        let Place::Transit(transit) = &mut place else { panic!() };
        transit.login = Login::Token(file.into());
        prop_assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
    }
}
