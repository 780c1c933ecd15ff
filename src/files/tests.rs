use super::*;

#[test]
fn a_file_is_opened_and_a_pipe_is_refused_at_once_whether_or_not_somebody_writes_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let (file, pipe) = (directory.path().join("file"), directory.path().join("pipe"));
    std::fs::write(&file, "some text").unwrap();
    let mut text = String::new();
    open(&file).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "some text");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = || open(&pipe).unwrap_err().to_string();
    assert_eq!(refused(), "it is a pipe, which is not waited for: it has to be a file");
    // fifo(7): whoever opens it for both waits for nobody.
    let _writer = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    assert_eq!(refused(), "it is a pipe, which is not waited for: it has to be a file");
    let absent = open(&directory.path().join("nothing")).unwrap_err();
    assert_eq!(absent.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_file_is_read_up_to_its_bound_and_a_device_that_has_no_end_is_not_read_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "12345678").unwrap();
    assert_eq!(read(&file, 8).unwrap().as_deref(), Some(b"12345678".as_slice()));
    assert_eq!(read(&file, 7).unwrap(), None);
    assert_eq!(read(Path::new("/dev/zero"), 8).unwrap(), None);
    assert!(read(&directory.path().join("nothing"), 8).is_err());
}

#[test]
fn an_ordinary_file_is_read_up_to_its_bound_and_nothing_else_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("file"), "12345678").unwrap();
    for links in [Links::Followed, Links::Refused] {
        assert_eq!(read_ordinary(&at("file"), 8, links).unwrap().as_deref(), Some(b"12345678".as_slice()));
        assert_eq!(read_ordinary(&at("file"), 7, links).unwrap(), None);
    }
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for odd in [&at("pipe"), Path::new("/dev/zero"), directory.path()] {
        let why = read_ordinary(odd, 8, Links::Followed).unwrap_err().to_string();
        assert_eq!(why, "it is no ordinary file", "{}", odd.display());
    }
    assert_eq!(open_ordinary(&at("nothing"), Links::Refused).unwrap_err().kind(), io::ErrorKind::NotFound);
    std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
    assert!(read_ordinary(&at("link"), 8, Links::Followed).unwrap().is_some());
    let why = read_ordinary(&at("link"), 8, Links::Refused).unwrap_err().to_string();
    assert_eq!(why, "it is a symbolic link, which is not followed");
}
