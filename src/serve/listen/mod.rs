//! Sockets to listen at: made here, with their rights from the first moment on, or handed over by systemd.

pub mod stream;

use self::stream::Stream;
use crate::config::address::Address;
use crate::limits::BACKLOG;
use crate::serve::telemetry::counters::Protocol;
use crate::text::excerpt;
use listenfd::ListenFd;
use nix::sys::stat::{Mode, umask};
use std::borrow::Cow;
use std::fmt;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixSocket, UnixStream};

/// What a socket's file must not have: any right for others, and execution. What is left is 0660.
const NOT_FOR_SOCKETS: Mode = Mode::from_bits_truncate(0o117);
/// Write permission for the group or for everybody.
const OTHERS_WRITE: u32 = 0o022;
/// In a directory with this bit, only its owner and the owner of a file may rename or remove the file.
const STICKY: u32 = 0o1000;

/// A socket that listens.
#[derive(Debug)]
pub struct Listening {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The place, for people.
    pub place: String,
    socket: Socket,
    /// What is removed in the end.
    file: Option<OwnFile>,
    /// Whether systemd keeps the socket when we end, and whoever comes in between.
    pub is_handed_over: bool,
}

/// A socket that takes datagrams.
#[derive(Debug)]
pub struct Datagrams {
    /// The place, for people.
    pub place: String,
    socket: UnixDatagram,
    /// What is removed in the end.
    _file: Option<OwnFile>,
}

impl Datagrams {
    /// The socket, blocking.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn socket(&self) -> io::Result<UnixDatagram> {
        let socket = self.socket.try_clone()?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    }
}

/// What systemd listens at for us.
#[derive(Debug, Default)]
pub struct HandedOver {
    /// For questions.
    pub listening: Vec<Listening>,
    /// For datagrams.
    pub datagrams: Vec<Datagrams>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Why it is impossible to listen at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPlace(Cow<'static, str>);

impl NoPlace {
    /// Neither the configuration nor systemd names a place.
    pub const NONE: Self = Self(Cow::Borrowed(
        "there is no place to listen at: give --exim, --postfix or --http, or the same in [serve] of the configuration, or \
         a socket unit of systemd",
    ));
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPlace {}

/// Listens at a place of the configuration. Needs a runtime.
///
/// # Errors
/// [`NoPlace`].
pub async fn open(protocol: Protocol, address: &Address) -> Result<Listening, NoPlace> {
    let cannot = |why: &io::Error| {
        NoPlace(format!("cannot listen at {address}: {why}{}", advice(address, why)).into())
    };
    let (socket, file) = match address {
        Address::Tcp(loopback) => (Socket::Tcp(tcp(loopback.get()).map_err(|e| cannot(&e))?), None),
        Address::Unix(path) => {
            let (listener, file) = unix(path).await.map_err(|e| cannot(&e))?;
            (Socket::Unix(listener), Some(file))
        }
    };
    Ok(Listening { protocol, place: address.to_string(), socket, file, is_handed_over: false })
}

/// What systemd listens at for us, told apart by the names that its units give (`FileDescriptorName=`). Needs a runtime.
///
/// # Errors
/// [`NoPlace`] if one of the sockets cannot be meant for us.
pub fn handed_over() -> Result<HandedOver, NoPlace> {
    let bad = |why: &dyn fmt::Display| NoPlace(format!("the sockets that were handed over: {why}").into());
    let names: Vec<String> =
        sd_notify::listen_fds_with_names(false).map_err(|error| bad(&error))?.map(|(_, name)| name).collect();
    let mut sockets = if names.is_empty() { ListenFd::empty() } else { ListenFd::from_env() };
    let mut all = HandedOver::default();
    for (index, name) in names.iter().enumerate() {
        if name == DATAGRAMS {
            all.datagrams.push(datagrams_handed_over(&mut sockets, index)?);
        } else {
            all.listening.push(one_handed_over(&mut sockets, index, name)?);
        }
    }
    Ok(all)
}

/// What the unit of the socket for datagrams calls it.
const DATAGRAMS: &str = "tlsrpt";

fn datagrams_handed_over(sockets: &mut ListenFd, index: usize) -> Result<Datagrams, NoPlace> {
    let Ok(Some(socket)) = sockets.take_unix_datagram(index) else {
        return Err(NoPlace(
            "the socket 'tlsrpt' that was handed over is no UNIX socket of datagrams: its unit has to say ListenDatagram= with a path"
                .into(),
        ));
    };
    let place = socket.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
    let place = place.map_or_else(|| "a UNIX socket".to_owned(), |path| path.display().to_string());
    Ok(Datagrams { place, socket, _file: None })
}

/// Takes datagrams at a path.
///
/// # Errors
/// [`NoPlace`].
pub async fn open_for_datagrams(path: &Path) -> Result<Datagrams, NoPlace> {
    let shown = path.display();
    let bound = async {
        let group = directory(path)?;
        remove_stale_datagrams(path)?;
        let before = umask(NOT_FOR_SOCKETS);
        let bound = UnixDatagram::bind(path);
        umask(before);
        let socket = bound?;
        let file = OwnFile::at(path)?;
        in_group(path, group)?;
        Ok::<_, io::Error>((socket, file))
    };
    let (socket, file) =
        bound.await.map_err(|error| NoPlace(format!("cannot take datagrams at {shown}: {error}").into()))?;
    Ok(Datagrams { place: shown.to_string(), socket, _file: Some(file) })
}

/// Removes what an earlier run of ours left behind, and nothing else.
fn remove_stale_datagrams(path: &Path) -> io::Result<()> {
    if !is_ours(path)? {
        return Ok(());
    }
    match UnixDatagram::unbound()?.connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::Error::new(ErrorKind::AlreadyExists, SOMEBODY)),
    }
}

/// What mends it, where the system said no more than a word.
fn advice(address: &Address, why: &io::Error) -> String {
    match (address, why.kind()) {
        (Address::Tcp(loopback), ErrorKind::AddrInUse) => format!(
            "; another program has that port, perhaps another daemon of ours (ss -ltnp 'sport = :{}' names it): end that one, or \
             choose another port",
            loopback.get().port()
        ),
        (Address::Tcp(_), ErrorKind::PermissionDenied) => {
            "; ports below 1024 are root's: choose another one".to_owned()
        }
        (Address::Unix(path), ErrorKind::PermissionDenied | ErrorKind::NotFound) => {
            let place = path.parent().unwrap_or(path).display();
            format!(
                "; its directory has to be there, and the daemon's user's (install -d -o USER -g GROUP -m 0755 {place}); below \
                 systemd a socket unit listens in its place"
            )
        }
        _ => String::new(),
    }
}

/// Another process listens at the place.
const SOMEBODY: &str =
    "somebody listens there already; another daemon may be running: end that one, or choose another place";

fn one_handed_over(sockets: &mut ListenFd, index: usize, name: &str) -> Result<Listening, NoPlace> {
    let bad =
        |why: &str| NoPlace(format!("the socket '{}' that was handed over {why}", excerpt(name, 64)).into());
    let protocol = match name {
        "exim" => Protocol::Exim,
        "postfix" => Protocol::Postfix,
        "http" => Protocol::Http,
        _ => {
            return Err(bad(
                "is for nobody: its unit has to say FileDescriptorName=exim, postfix, http or tlsrpt",
            ));
        }
    };
    let unusable = |error: io::Error| bad(&format!("cannot be used: {error}"));
    let listening = |socket, place| Listening { protocol, place, socket, file: None, is_handed_over: true };
    if let Ok(Some(listener)) = sockets.take_unix_listener(index) {
        listener.set_nonblocking(true).map_err(unusable)?;
        let place = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
        let place = place.map_or_else(|| "a UNIX socket".to_owned(), |path| path.display().to_string());
        return Ok(listening(Socket::Unix(UnixListener::from_std(listener).map_err(unusable)?), place));
    }
    let Ok(Some(listener)) = sockets.take_tcp_listener(index) else {
        return Err(bad("is neither a UNIX nor a TCP stream socket: its unit has to say ListenStream="));
    };
    listener.set_nonblocking(true).map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    if !address.ip().is_loopback() {
        return Err(bad(&format!("listens at {address}, which is not on the loopback interface")));
    }
    Ok(listening(Socket::Tcp(TcpListener::from_std(listener).map_err(unusable)?), address.to_string()))
}

impl Listening {
    /// The next connection. May be given up at any time without losing one.
    ///
    /// # Errors
    /// What `accept(2)` says; most of it passes.
    pub async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Socket::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Socket::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    /// Nobody finds the place any more; who has connected already can still be accepted.
    pub fn withdraw(&mut self) {
        self.file = None;
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait for what is left of the last one's connections.
    socket.set_reuseaddr(true)?;
    // Whoever is accepted there has this, too (Linux): an answer does not wait for the peer to acknowledge the last one.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Nobody can connect before [`UnixSocket::listen`], so mode and group are what they are to be for everybody who can.
async fn unix(path: &Path) -> io::Result<(UnixListener, OwnFile)> {
    let group = directory(path)?;
    remove_stale(path).await?;
    let socket = UnixSocket::new_stream()?;
    let before = umask(NOT_FOR_SOCKETS);
    let bound = socket.bind(path);
    umask(before);
    bound?;
    let file = OwnFile::at(path)?;
    in_group(path, group)?;
    Ok((socket.listen(BACKLOG)?, file))
}

/// Gives a socket to a group.
fn in_group(path: &Path, group: u32) -> io::Result<()> {
    if fs::symlink_metadata(path)?.gid() == group {
        return Ok(());
    }
    chown(path, None, Some(group)).map_err(|error| {
        io::Error::other(format!(
            "its group cannot become {group}, the one of the directory, which is who may ask: {error}; chgrp the directory to a \
             group that the daemon's user is in"
        ))
    })
}

/// Looks at the directory that the socket is to lie in; the group that may connect is its group.
fn directory(path: &Path) -> io::Result<u32> {
    let directory = path.parent().unwrap_or(path);
    let shown = directory.display();
    let meta = fs::symlink_metadata(directory)
        .map_err(|error| io::Error::new(error.kind(), format!("{shown}: {error}")))?;
    let ours = nix::unistd::geteuid().as_raw();
    let why = if !meta.is_dir() {
        "is not a directory (symbolic links are not followed)"
    } else if meta.uid() != ours && meta.uid() != 0 {
        "belongs to somebody else, who could put another socket in place of ours; chown it to the daemon's user or to root"
    } else if meta.mode() & OTHERS_WRITE != 0 && meta.mode() & STICKY == 0 {
        "can be written by its group or by everybody, who could put another socket in place of ours; chmod go-w it"
    } else {
        return Ok(meta.gid());
    };
    Err(io::Error::other(format!("{shown} {why}")))
}

/// Removes what an earlier run of ours left behind, and nothing else.
async fn remove_stale(path: &Path) -> io::Result<()> {
    if !is_ours(path)? {
        return Ok(());
    }
    let refused = |why: &str| Err(io::Error::new(ErrorKind::AlreadyExists, why));
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        // A queue that is full is somebody's, too.
        Err(error) if error.kind() != ErrorKind::WouldBlock => {
            refused(&format!("nobody can tell whether somebody listens there ({error})"))
        }
        _ => refused(SOMEBODY),
    }
}

/// Whether a socket of ours lies there, of an earlier run perhaps; `false` if nothing does.
fn is_ours(path: &Path) -> io::Result<bool> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let refused = |why: &str| Err(io::Error::new(ErrorKind::AlreadyExists, why));
    if !meta.file_type().is_socket() {
        return refused(
            "something that is no socket lies there; it is left alone: remove it, or choose another place",
        );
    }
    if meta.uid() != nix::unistd::geteuid().as_raw() {
        return refused(
            "a socket of somebody else lies there; it is left alone: if systemd made it (systemctl list-sockets), its own daemon answers \
             there; else remove it, or choose another place",
        );
    }
    Ok(true)
}

/// The file of a socket that we made; removed with the socket, unless it is another one by then.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl OwnFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&fs::symlink_metadata(path)?) })
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|meta| identity(&meta) == self.identity) {
            // A file that stays is stale, and the next run removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}
