use super::*;
use std::io::Read as _;

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
