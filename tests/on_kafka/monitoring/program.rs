//! Programs other than churnwatch: looked up, run, stopped.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output};

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A command that has been started; killed when dropped.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command, package: &str) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{}", missing(command, package, &error))))
    }

    pub fn assert_alive(&mut self) {
        let ended = self.0.try_wait().unwrap();
        assert!(ended.is_none(), "the program has ended: {ended:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command of a Debian package in the root of the repository, to completion; it must succeed.
pub fn succeeds(command: &mut Command, package: &str) -> String {
    let Output { status, stdout, stderr } =
        command.current_dir(root()).output().unwrap_or_else(|error| panic!("{}", missing(command, package, &error)));
    let said = [stdout, stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(status.success(), "{command:?}: {status}\n{said}");
    said
}

fn missing(command: &Command, package: &str, error: &std::io::Error) -> String {
    let program = command.get_program().display();
    format!("{program}: {error}. `./dev test` installs it (Debian: apt-get install {package})")
}

/// An address on which nothing listens.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The body of the response to a GET, if there is one; the server closes the connection.
pub fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

/// Percent-encodes everything that is not unreserved in a URL.
pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}

/// Replaces a text that must be there.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not in\n{text}");
    text.replace(from, to)
}
