use super::*;

const OURS: &str = include_str!("../../../../exim/daemon/smtp-sts-verify.service");

/// Our unit with drop-ins, in their order.
fn with(dropins: &[&str]) -> Sandbox {
    let dropins = dropins.iter().map(|text| format!("[Service]\n{text}\n"));
    Sandbox::of(&std::iter::once(OURS.to_owned()).chain(dropins).collect::<Vec<_>>())
}

fn hidden(unit: &Sandbox, file: &str) -> Option<&'static str> {
    unit.hides(Path::new(file)).map(|(_, setting)| setting)
}

#[test]
fn our_unit_hides_what_it_says() {
    let unit = with(&[]);
    for (file, setting) in [
        ("/tmp/ca.pem", Some("PrivateTmp")),
        ("/var/tmp/deep/ca.pem", Some("PrivateTmp")),
        ("/home/admin/ca.pem", Some("ProtectHome")),
        ("/root/ca.pem", Some("ProtectHome")),
        ("/run/user/0/ca.pem", Some("ProtectHome")),
        ("/etc/smtp-sts-verify/ca.pem", None),
        ("/tmpfile", None),
        ("/rootfs/ca.pem", None),
    ] {
        assert_eq!(hidden(&unit, file), setting, "{file}");
    }
    for (place, may) in
        [("/var/lib/smtp-sts-verify", true), ("/srv/sts", false), ("/var/lib", false), ("/tmp/x", true)]
    {
        assert_eq!(unit.lets_write(Path::new(place)), may, "{place}");
    }
}

/// What systemd.exec(5) says of each setting.
#[test]
fn a_drop_in_turns_off_and_on_what_the_unit_says() {
    for (dropins, file, setting) in [
        (&["PrivateTmp=no"][..], "/tmp/ca.pem", None),
        (&["PrivateTmp = off "], "/var/tmp/ca.pem", None),
        (&["PrivateTmp=no", "PrivateTmp=TRUE"], "/tmp/ca.pem", Some("PrivateTmp")),
        (&["PrivateTmp=disconnected"], "/tmp/ca.pem", Some("PrivateTmp")),
        (&["ProtectHome=read-only"], "/root/ca.pem", None),
        (&["ProtectHome=false"], "/home/admin/ca.pem", None),
        (&["ProtectHome=tmpfs"], "/home/admin/ca.pem", Some("ProtectHome")),
        (&["ProtectHome=tmpfs\nBindReadOnlyPaths=/home/admin"], "/home/admin/ca.pem", None),
        (&["BindReadOnlyPaths=/root/ca.pem"], "/root/ca.pem", Some("ProtectHome")),
        (&["BindReadOnlyPaths=-/srv/ca:/tmp/ca:norbind"], "/tmp/ca/ca.pem", None),
        (&["BindPaths=/tmp/ca", "BindPaths="], "/tmp/ca/ca.pem", Some("PrivateTmp")),
        (&["InaccessiblePaths=-/srv /opt"], "/srv/ca.pem", Some("InaccessiblePaths")),
        (&["InaccessiblePaths=/srv", "InaccessiblePaths="], "/srv/ca.pem", None),
        (&["TemporaryFileSystem=/srv:ro"], "/srv/ca.pem", Some("TemporaryFileSystem")),
        (&["RootDirectory=/srv/root"], "/tmp/ca.pem", None),
        (&["# PrivateTmp=no\n; PrivateTmp=no\n[Unit]\nPrivateTmp=no"], "/tmp/ca.pem", Some("PrivateTmp")),
        (
            &["InaccessiblePaths=/opt \\\n# a comment between\n  /srv"],
            "/srv/ca.pem",
            Some("InaccessiblePaths"),
        ),
    ] {
        assert_eq!(hidden(&with(dropins), file), setting, "{dropins:?} {file}");
    }
    for (dropins, place, may) in [
        (&["ReadWritePaths=/srv/sts"][..], "/srv/sts", true),
        (&["ReadWritePaths=-/srv"], "/srv/sts", true),
        (&["ReadWritePaths=/srv\nReadOnlyPaths=/srv/sts"], "/srv/sts", false),
        (&["ReadWritePaths=/srv", "ReadWritePaths="], "/srv/sts", false),
        (&["BindPaths=/srv/sts"], "/srv/sts", true),
        (&["StateDirectory=sts:old-name"], "/var/lib/sts", true),
        (&["ReadWritePaths=%S/sts"], "/var/lib/sts", true),
        (&["ProtectSystem=full"], "/srv/sts", true),
        (&["ProtectSystem=full"], "/etc/sts", false),
        (&["ProtectSystem=no"], "/usr/sts", true),
        (&["ProtectHome=read-only\nProtectSystem=no"], "/home/sts", false),
    ] {
        assert_eq!(with(dropins).lets_write(Path::new(place)), may, "{dropins:?} {place}");
    }
}

/// The trees of systemd.unit(5): which file wins, and in which order drop-ins count.
#[test]
fn files_count_as_systemd_finds_them() {
    const NAME: &str = "smtp-sts-verify.service";
    let found = |files: &[(&str, &str)]| {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        hidden(&Sandbox::of_unit(root.path(), NAME, OURS), "/tmp/ca.pem").is_some()
    };
    let (on, off) = ("[Service]\nPrivateTmp=yes\n", "[Service]\nPrivateTmp=no\n");
    let own = "etc/systemd/system/smtp-sts-verify.service.d/override.conf";
    for (files, expected) in [
        (&[][..], true),
        (&[(own, off)], false),
        (&[("run/systemd/system/smtp-sts-verify.service.d/override.conf", off)], false),
        (&[(own, on), ("run/systemd/system/smtp-sts-verify.service.d/override.conf", off)], true),
        (&[(own, off), ("etc/systemd/system/smtp-sts-verify.service.d/zz.conf", on)], true),
        (&[(own, off), ("usr/lib/systemd/system/smtp-sts-verify.service.d/00.conf", on)], false),
        (&[("etc/systemd/system/service.d/all.conf", off)], false),
        (&[("etc/systemd/system/smtp-.service.d/all.conf", off)], false),
        (&[("etc/systemd/system/smtp-sts-verify.service.d/override.conf.bak", off)], true),
        (&[("etc/systemd/system/smtp-sts-verify-reports.service.d/a.conf", off)], true),
        (
            &[
                ("etc/systemd/system/smtp-sts-verify.service", off),
                ("usr/lib/systemd/system/smtp-sts-verify.service", on),
            ],
            false,
        ),
        (&[("usr/lib/systemd/system/smtp-sts-verify.service", off), (own, on)], true),
    ] {
        assert_eq!(found(files), expected, "{files:?}");
    }
    assert_eq!(
        dropin_directories(NAME),
        ["smtp-sts-verify.service.d", "smtp-sts-.service.d", "smtp-.service.d", "service.d"]
    );
}
