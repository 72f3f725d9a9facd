//! Overwriting drives, through the real binary: loop devices and image files, what is refused, and kill -9 on the way.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::home::{Home, files};
    use serde_json::Value;
    use std::{
        fs,
        io::Write,
        path::{Path, PathBuf},
        process::{Command, Stdio},
        thread,
        time::Duration,
    };

    const CANARY: &[u8; 64] = b"recording of 555-0142, card 4012 8888 8888 1881, planted here..\n";
    const BYTES: usize = 96 << 20;

    fn skipped(why: &str) {
        writeln!(std::io::stderr(), "skipped: {why}").unwrap();
    }

    fn image(path: &Path, bytes: usize) {
        fs::write(path, CANARY.repeat(bytes / CANARY.len())).unwrap();
    }

    fn left(path: &Path) -> usize {
        fs::read(path).unwrap().chunks(CANARY.len()).filter(|c| *c == CANARY).count()
    }

    /// Whether a program does its work; what it printed.
    fn tool(args: &[&str]) -> Option<String> {
        let out = Command::new(args[0]).args(&args[1..]).output().ok()?;
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }

    /// A loop device over an image; detached when dropped.
    struct Loop(String);

    impl Loop {
        fn over(image: &Path) -> Option<Self> {
            tool(&["losetup", "--find", "--show", image.to_str().unwrap()]).map(Self)
        }

        fn name(&self) -> &str {
            self.0.trim_start_matches("/dev/")
        }
    }

    impl Drop for Loop {
        fn drop(&mut self) {
            tool(&["losetup", "-d", &self.0]);
        }
    }

    /// A mounted file system; unmounted when dropped.
    struct Mounted(PathBuf);

    impl Drop for Mounted {
        fn drop(&mut self) {
            tool(&["umount", self.0.to_str().unwrap()]);
        }
    }

    fn args<'a>(path: &'a str, serial: &'a str) -> [&'a str; 8] {
        ["dispose", "device", "--json", path, "--serial", serial, "--reason", "retired"]
    }

    fn certificate_holds(home: &Home, made: &Value, which: &str) {
        let file = home.path("made.json");
        fs::write(&file, made.to_string()).unwrap();
        let export = home.path("export");
        home.run(["verify", "--export", export.to_str().unwrap()]).ok();
        let named = file.to_str().unwrap();
        home.run(["certificate", "verify", named, "--ledger", export.to_str().unwrap()]).ok();
        for (field, lie) in [("level", "purge"), (which, "another")] {
            let mut other = made.clone();
            other["statement"][field] = lie.into();
            fs::write(&file, other.to_string()).unwrap();
            home.run(["certificate", "verify", named]).expect(1);
        }
    }

    #[test]
    fn a_file_is_destroyed_and_its_certificate_is_verified_like_every_other() {
        let home = Home::with_vault();
        let file = home.path("work/call.wav");
        image(&file, 1 << 20);
        let made = home
            .run(["dispose", "file", "--json", file.to_str().unwrap(), "--reason", "left over"])
            .ok()
            .json();
        assert!(!file.exists());
        certificate_holds(&home, &made, "content_sha256");
    }

    #[test]
    fn a_loop_device_is_cleared_and_one_in_use_is_refused() {
        let home = Home::with_vault();
        let disk = home.path("work/disk.img");
        image(&disk, BYTES);
        let Some(device) = Loop::over(&disk) else {
            return skipped("no loop devices (that needs root and losetup)");
        };
        let serial = format!("{}:{BYTES}", device.name());
        let wrong = home.run(args(&device.0, "another:1")).expect(3);
        assert!(wrong.err.contains("NAME:BYTES"), "{}", wrong.err);
        let by_file = format!("disk.img:{BYTES}");
        let refused = home.run(args(disk.to_str().unwrap(), &by_file)).expect(3);
        assert!(refused.err.contains("a loop device uses it"), "{}", refused.err);
        assert_eq!(left(&disk), BYTES / CANARY.len());

        if tool(&["mkfs.ext4", "-q", &device.0]).is_some() {
            let there = home.path("work/mounted");
            fs::create_dir(&there).unwrap();
            if tool(&["mount", &device.0, there.to_str().unwrap()]).is_some() {
                let mounted = Mounted(there.clone());
                fs::write(there.join("kept"), CANARY).unwrap();
                let refused = home.run(args(&device.0, &serial)).expect(3);
                assert!(refused.err.contains("is mounted"), "{}", refused.err);
                assert_eq!(fs::read(there.join("kept")).unwrap(), CANARY);
                drop(mounted);
            } else {
                skipped("file systems cannot be mounted here");
            }
        } else {
            skipped("there is no mkfs.ext4");
        }
        if tool(&["mkswap", &device.0]).and_then(|_| tool(&["swapon", &device.0])).is_some() {
            let refused = home.run(args(&device.0, &serial)).expect(3);
            assert!(refused.err.contains("swapoff"), "{}", refused.err);
            assert!(tool(&["swapoff", &device.0]).is_some());
        } else {
            skipped("the system cannot swap to a loop device here");
        }
        assert_eq!(home.run(["certificate", "list"]).ok().out, "", "refused: nothing was certified");

        image(&disk, BYTES);
        let made = home.run(args(&device.0, &serial)).ok().json();
        let s = &made["statement"];
        assert!(s["level"] == "clear" && s["read_back"] == BYTES, "{made}");
        assert!(s["limits"].to_string().contains("virtual disk"), "{made}");
        drop(device);
        assert_eq!(left(&disk), 0, "planted blocks");
        certificate_holds(&home, &made, "serial");
    }

    #[test]
    fn the_disk_the_system_runs_from_and_partitions_are_refused() {
        let home = Home::with_vault();
        let mut tried = 0;
        for line in fs::read_to_string("/proc/self/mountinfo").unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let node = Path::new("/sys/dev/block").join(words[2]);
            let Ok(sys) = fs::canonicalize(node) else { continue };
            let device = Path::new("/dev").join(sys.file_name().unwrap());
            if device.exists() {
                // Never the right serial number: a test must not depend on the refusal it tests.
                let refused = home.run(args(device.to_str().unwrap(), "not the serial number")).expect(3);
                let why =
                    ["mounted", "partition", "system", "built on it", "cannot be written", "may use it"];
                assert!(why.iter().any(|w| refused.err.contains(w)), "{}: {}", device.display(), refused.err);
                tried += 1;
            }
        }
        if tried == 0 {
            skipped("no block device is mounted here");
        }
    }

    /// How often an overwrite was begun, and how many have a certificate; read without opening the vault.
    fn rows(home: &Home) -> (i64, i64) {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = rusqlite::Connection::open_with_flags(home.data().join("vault.db"), flags).unwrap();
        let count = "SELECT COALESCE(SUM(runs), 0), COUNT(body) FROM device_disposal";
        db.query_row(count, [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap()
    }

    #[test]
    fn killed_at_any_moment_it_goes_on_and_only_the_whole_act_has_a_certificate() {
        let home = Home::with_vault();
        let disk = home.path("work/disk.img");
        let bytes = 2 * BYTES;
        image(&disk, bytes);
        let serial = format!("disk.img:{bytes}");
        for round in 0..5 {
            let mut command = home.command(args(disk.to_str().unwrap(), &serial));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // From its beginning, not from the start of the program, which takes longer on a busy machine.
            while rows(&home).0 == round && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(90 * round.unsigned_abs()));
            child.kill().unwrap();
            child.wait().unwrap();
            let (runs, done) = rows(&home);
            if done > 0 {
                break;
            }
            assert_eq!(runs, round + 1, "each time it goes on with the same overwrite");
            assert_eq!(home.run(["certificate", "list"]).ok().out, "", "no certificate without the act");
            home.run(["verify"]).ok();
        }
        let dir = home.path("certificates");
        if rows(&home).1 == 0 {
            home.run(args(disk.to_str().unwrap(), &serial)).ok();
        }
        home.run(["certificate", "export", dir.to_str().unwrap()]).ok();
        let all = files(&dir);
        assert_eq!(all.len(), 1);
        let made: Value = serde_json::from_slice(&fs::read(&all[0]).unwrap()).unwrap();
        assert!(made["statement"]["runs"].as_u64().unwrap() > 1, "{made}");
        assert_eq!(left(&disk), 0);
        certificate_holds(&home, &made, "serial");
    }
}
