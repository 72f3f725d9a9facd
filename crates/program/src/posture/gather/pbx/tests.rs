use super::*;
use std::os::unix::fs::PermissionsExt;

struct Made {
    root: tempfile::TempDir,
}

impl Made {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }
    fn put(&self, path: &str, text: &str) -> &Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
    fn look(&self) -> Seen<Pbx> {
        let settings = Settings { host_root: Some(self.root.path().to_owned()), ..Settings::default() };
        look(&settings, &Web::of(&settings))
    }
    fn known(&self) -> Pbx {
        match self.look() {
            Seen::Known(pbx) => pbx,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn no_telephone_system_is_said_so() {
    assert!(matches!(Made::new().look(), Seen::Absent(_)));
}

#[test]
fn a_careless_freepbx_is_read() {
    let made = Made::new();
    made.put("etc/freepbx.conf", "")
        .put("etc/asterisk/manager.conf", "[general]\nenabled = yes\nport = 5038\nbindaddr = 0.0.0.0\n[admin]\nsecret = amp111\nread = all\n")
        .put("etc/asterisk/pjsip.transports.conf", "[0.0.0.0-udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0:5060\n")
        .put("etc/asterisk/pjsip.endpoint.conf", "[100]\ntype=endpoint\nmedia_encryption=no\n[200]\ntype=endpoint\nmedia_encryption=sdes\n")
        .put("etc/asterisk/pjsip.auth.conf", "[100-auth]\ntype=auth\npassword=1234\n[200-auth]\ntype=auth\npassword=Hc7wq0Zk3mVbT5yR\n")
        .put("var/spool/asterisk/monitor/2026/a.wav", "RIFF");
    let pbx = made.known();
    assert_eq!(pbx.kinds, ["FreePBX"]);
    assert_eq!(
        pbx.controls.iter().map(|c| (c.bind.as_str(), c.loopback)).collect::<Vec<_>>(),
        [("0.0.0.0", false)]
    );
    assert_eq!(pbx.transports.iter().filter(|t| !t.encrypted).count(), 1);
    assert_eq!((pbx.plain_media, pbx.secrets, pbx.shipped_secrets.len()), ((1, 2), 3, 2));
    assert_eq!(pbx.recordings.len(), 1);
    let told = format!("{pbx:?}");
    assert!(
        !told.contains("amp111") && !told.contains("Hc7wq0Zk3mVbT5yR"),
        "a secret is compared, never kept"
    );
}

#[test]
fn a_careful_asterisk_is_read() {
    let made = Made::new();
    made.put("etc/asterisk/asterisk.conf", "[directories](!)\nastspooldir => /srv/ast\n")
        .put("etc/asterisk/manager.conf", "[general]\nenabled=yes\nbindaddr=127.0.0.1\n")
        .put("etc/asterisk/pjsip.conf", "[t]\ntype=transport\nprotocol=tls\nbind=0.0.0.0\n[tpl](!)\ntype=endpoint\nmedia_encryption=dtls\n[100](tpl)\n")
        .put("srv/ast/monitor/x.wav", "RIFF");
    let pbx = made.known();
    assert!(pbx.controls.iter().all(|c| c.loopback) && pbx.transports.iter().all(|t| t.encrypted));
    assert_eq!((pbx.plain_media, pbx.kinds.as_slice()), ((0, 1), ["Asterisk".to_owned()].as_slice()));
    assert!(pbx.recordings[0].path.ends_with("srv/ast/monitor"));
}

#[test]
fn a_freeswitch_as_shipped_is_read() {
    let made = Made::new();
    made.put("etc/freeswitch/vars.xml", "<include><X-PRE-PROCESS cmd=\"set\" data=\"default_password=1234\"/><X-PRE-PROCESS cmd=\"set\" data=\"internal_ssl_enable=false\"/></include>")
        .put("etc/freeswitch/autoload_configs/event_socket.conf.xml", "<configuration><settings><param name=\"listen-ip\" value=\"::\"/><param name=\"password\" value=\"ClueCon\"/></settings></configuration>")
        .put("etc/freeswitch/sip_profiles/internal.xml", "<profile><settings><param name=\"sip-port\" value=\"5060\"/><param name=\"tls\" value=\"$${internal_ssl_enable}\"/></settings></profile>");
    let pbx = made.known();
    assert_eq!((pbx.secrets, pbx.shipped_secrets.len()), (2, 2));
    assert!(!pbx.controls[0].loopback && !pbx.transports[0].encrypted);
}

#[test]
fn files_that_may_not_be_read_are_unknown_and_not_fine() {
    let made = Made::new();
    made.put("etc/asterisk/manager.conf", "[general]\nenabled=yes\n");
    let path = made.root.path().join("etc/asterisk/manager.conf");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads it all the same.
    if fs::read(&path).is_err() {
        assert!(matches!(made.look(), Seen::Unknown(_)));
    }
}
