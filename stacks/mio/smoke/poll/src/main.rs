//! Readiness through mio alone; the first argument names the case.
//!
//! `FORKBOT_TCP_PORT` and `FORKBOT_UDP_PORT` are echo servers on 127.0.0.1, on
//! `FORKBOT_REFUSED_PORT` nobody listens.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::event::{Event, Source};
use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::wasi::SourceFd;
use mio::{Events, Interest, Poll, Token};

type Outcome = Result<(), Box<dyn Error>>;

const SERVER: Token = Token(1);
const CLIENT: Token = Token(2);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
const PATIENCE: Duration = Duration::from_secs(5);
/// For what must not come.
const A_MOMENT: Duration = Duration::from_millis(100);

fn main() -> Outcome {
    let case = std::env::args().nth(1).unwrap_or_default();
    match case.as_str() {
        "stream" => stream(),
        "listener" => listener(Ipv4Addr::LOCALHOST.into()),
        "listener-ipv6" => listener(Ipv6Addr::LOCALHOST.into()),
        "udp" => udp(),
        "timeout" => timeout(),
        "edge" => edge(),
        "writable" => writable(),
        "closed" => closed(),
        "half-closed" => half_closed(),
        "deregister" => deregister(),
        "reregister" => reregister(),
        "twice" => twice(),
        "source-fd" => source_fd(),
        "many" => many(),
        "refused" => refused(),
        "denied" => denied(),
        _ => Err(format!("no such case: {case:?}").into()),
    }
}

fn stream() -> Outcome {
    let mut looping = Looping::new()?;
    let mut client = TcpStream::connect(loopback(port("FORKBOT_TCP_PORT")?))?;
    looping.register(&mut client, CLIENT, BOTH)?;
    looping.wait("connected", |e| e.token() == CLIENT && e.is_writable())?;
    expect("pending error", client.take_error()?.map(|e| e.kind()), None)?;
    client.write_all(b"through mio")?;
    expect("echo", looping.read(&mut client, CLIENT, 11)?, "through mio".into())
}

fn listener(ip: std::net::IpAddr) -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(SocketAddr::new(ip, 0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    looping.nothing("before anybody connects")?;
    fails("accept", listener.accept().map(drop), ErrorKind::WouldBlock)?;
    let (mut client, mut server) = looping.accepted(&mut listener)?;
    expect("peer", server.peer_addr()?, client.local_addr()?)?;
    looping.register(&mut server, SERVER, Interest::READABLE)?;
    client.write_all(b"there")?;
    expect("at the server", looping.read(&mut server, SERVER, 5)?, "there".into())?;
    server.write_all(b"and back")?;
    expect("at the client", looping.read(&mut client, CLIENT, 8)?, "and back".into())
}

fn udp() -> Outcome {
    let mut looping = Looping::new()?;
    let mut socket = UdpSocket::bind(loopback(0))?;
    looping.register(&mut socket, CLIENT, BOTH)?;
    looping.wait("writable", |e| e.token() == CLIENT && e.is_writable())?;
    fails("receive", socket.recv_from(&mut [0; 8]).map(drop), ErrorKind::WouldBlock)?;
    let server = loopback(port("FORKBOT_UDP_PORT")?);
    socket.send_to(b"a datagram", server)?;
    looping.wait("readable", |e| e.token() == CLIENT && e.is_readable())?;
    let mut buffer = [0; 64];
    let (length, from) = socket.recv_from(&mut buffer)?;
    expect("echo", (&buffer[..length], from), (b"a datagram", server))
}

/// An empty poll ends when its time is over, neither at once nor never.
fn timeout() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    for wanted in [Duration::ZERO, A_MOMENT] {
        let began = Instant::now();
        looping.poll.poll(&mut looping.events, Some(wanted))?;
        let took = began.elapsed();
        println!("a poll of {wanted:?} took {took:?}");
        if !looping.events.is_empty() || took < wanted || took > wanted + PATIENCE {
            return Err(format!("a poll of {wanted:?} took {took:?}").into());
        }
    }
    Ok(())
}

/// What was reported once is not reported again before the socket would block.
fn edge() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let (mut client, mut server) = looping.accepted(&mut listener)?;
    looping.register(&mut server, SERVER, Interest::READABLE)?;
    client.write_all(b"one")?;
    looping.wait("the first bytes", |e| e.token() == SERVER && e.is_readable())?;
    looping.nothing("with bytes unread")?;
    let mut buffer = [0; 8];
    expect("read", server.read(&mut buffer)?, 3)?;
    fails("read", server.read(&mut buffer).map(drop), ErrorKind::WouldBlock)?;
    looping.nothing("with all bytes read")?;
    client.write_all(b"two")?;
    looping.wait("the next bytes", |e| e.token() == SERVER && e.is_readable())
}

/// A full pipe is not writable, and is again when the other end has read.
fn writable() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let (mut client, mut server) = looping.accepted(&mut listener)?;
    let chunk = vec![b'x'; 64 << 10];
    let mut sent = 0;
    loop {
        match client.write(&chunk) {
            Ok(length) => sent += length,
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => return Err(e.into()),
        }
        if sent > 256 << 20 {
            return Err("256 MiB and never full".into());
        }
    }
    println!("full after some writes");
    looping.nothing("while nobody reads")?;
    let mut read = 0;
    looping.register(&mut server, SERVER, Interest::READABLE)?;
    let mut room = vec![0; 1 << 20];
    let mut again = false;
    let until = Instant::now() + PATIENCE;
    while read < sent {
        match server.read(&mut room) {
            Ok(length) => read += length,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                looping.poll.poll(&mut looping.events, Some(A_MOMENT))?;
                again |= looping.events.iter().any(|e| e.token() == CLIENT && e.is_writable());
            }
            Err(e) => return Err(e.into()),
        }
        if Instant::now() > until {
            return Err(format!("{read} of {sent} bytes came").into());
        }
    }
    if !again {
        looping.wait("writable again", |e| e.token() == CLIENT && e.is_writable())?;
    }
    expect("all came", read, sent)
}

/// The end of the other side is an event, and then nothing to read.
fn closed() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let (mut client, server) = looping.accepted(&mut listener)?;
    drop(server);
    looping.wait("the end", |e| e.token() == CLIENT && e.is_readable())?;
    expect("read", client.read(&mut [0; 8])?, 0)?;
    // what poll took out by itself is taken out without an error
    looping.deregister(&mut client)?;
    looping.nothing("after it was taken out")
}

/// One direction ends, the other goes on.
fn half_closed() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let (mut client, mut server) = looping.accepted(&mut listener)?;
    looping.register(&mut server, SERVER, Interest::READABLE)?;
    client.shutdown(std::net::Shutdown::Write)?;
    looping.wait("the end", |e| e.token() == SERVER && e.is_readable())?;
    expect("read", server.read(&mut [0; 8])?, 0)?;
    server.write_all(b"still here")?;
    expect("at the client", looping.read(&mut client, CLIENT, 10)?, "still here".into())
}

/// What was taken out says nothing more, and can be put in again.
fn deregister() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let (mut client, mut server) = looping.accepted(&mut listener)?;
    looping.register(&mut server, SERVER, Interest::READABLE)?;
    looping.deregister(&mut server)?;
    client.write_all(b"unheard")?;
    looping.nothing("after it was taken out")?;
    looping.register(&mut server, SERVER, Interest::READABLE)?;
    expect("read", looping.read(&mut server, SERVER, 7)?, "unheard".into())?;
    looping.deregister(&mut server)?;
    let again = looping.poll.registry().deregister(&mut server);
    fails("taken out twice", again, ErrorKind::NotFound)
}

/// Another interest and another token count from the next poll on.
fn reregister() -> Outcome {
    let mut looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let (mut client, mut server) = looping.accepted(&mut listener)?;
    looping.register(&mut server, SERVER, Interest::WRITABLE)?;
    looping.wait("writable", |e| e.token() == SERVER && e.is_writable())?;
    client.write_all(b"!")?;
    looping.nothing("while nobody asks for bytes")?;
    let other = Token(77);
    looping.poll.registry().reregister(&mut server, other, Interest::READABLE)?;
    looping.wait("readable", |e| e.token() == other && e.is_readable())
}

fn twice() -> Outcome {
    let looping = Looping::new()?;
    let mut listener = TcpListener::bind(loopback(0))?;
    looping.register(&mut listener, SERVER, Interest::READABLE)?;
    let again = looping.poll.registry().register(&mut listener, CLIENT, Interest::READABLE);
    fails("put in twice", again, ErrorKind::AlreadyExists)
}

/// A descriptor that is not mio's own.
fn source_fd() -> Outcome {
    let mut looping = Looping::new()?;
    let listener = std::net::TcpListener::bind(loopback(0))?;
    listener.set_nonblocking(true)?;
    let fd = listener.as_raw_fd();
    looping.register(&mut SourceFd(&fd), SERVER, Interest::READABLE)?;
    looping.nothing("before anybody connects")?;
    let _client = TcpStream::connect(listener.local_addr()?)?;
    looping.wait("somebody connects", |e| e.token() == SERVER && e.is_readable())?;
    listener.accept()?;
    looping.deregister(&mut SourceFd(&fd))
}

fn many() -> Outcome {
    const CLIENTS: usize = 40;
    let mut looping = Looping::new()?;
    let server = loopback(port("FORKBOT_TCP_PORT")?);
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client = TcpStream::connect(server)?;
        looping.register(&mut client, Token(100 + number), BOTH)?;
        clients.push((client, false, String::new()));
    }
    let until = Instant::now() + PATIENCE;
    while clients.iter().any(|(_, _, heard)| heard.len() < 3) {
        if Instant::now() > until {
            return Err("not all had their echo after five seconds".into());
        }
        looping.poll.poll(&mut looping.events, Some(A_MOMENT))?;
        for event in &looping.events {
            let number = event.token().0 - 100;
            let (client, said, heard) = &mut clients[number];
            if event.is_writable() && !*said {
                client.write_all(format!("{number:03}").as_bytes())?;
                *said = true;
            }
            if event.is_readable() {
                let mut buffer = [0; 8];
                loop {
                    match client.read(&mut buffer) {
                        Ok(0) => return Err(format!("{number} was hung up on").into()),
                        Ok(length) => heard.push_str(std::str::from_utf8(&buffer[..length])?),
                        Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                        Err(e) => return Err(e.into()),
                    }
                }
            }
        }
    }
    let wrong = (0..).zip(&clients).filter(|(n, (_, _, heard))| *heard != format!("{n:03}"));
    expect("wrong echoes", wrong.count(), 0)
}

fn refused() -> Outcome {
    let mut looping = Looping::new()?;
    let mut client = match TcpStream::connect(loopback(port("FORKBOT_REFUSED_PORT")?)) {
        Ok(client) => client,
        Err(e) => return fails("connect", Err(e), ErrorKind::ConnectionRefused),
    };
    looping.register(&mut client, CLIENT, BOTH)?;
    looping.wait("an answer", |e| e.token() == CLIENT && e.is_writable())?;
    let error = client.take_error()?.ok_or("no error, though nobody listens")?;
    fails("connect", Err(error), ErrorKind::ConnectionRefused)
}

fn denied() -> Outcome {
    let nowhere = loopback(80);
    fails("connect", TcpStream::connect(nowhere).map(drop), ErrorKind::PermissionDenied)?;
    fails("listen", TcpListener::bind(loopback(0)).map(drop), ErrorKind::PermissionDenied)?;
    fails("bind", UdpSocket::bind(loopback(0)).map(drop), ErrorKind::PermissionDenied)
}

struct Looping {
    poll: Poll,
    events: Events,
}

impl Looping {
    fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(128) })
    }

    fn register(&self, source: &mut impl Source, token: Token, interest: Interest) -> Outcome {
        Ok(self.poll.registry().register(source, token, interest)?)
    }

    fn deregister(&self, source: &mut impl Source) -> Outcome {
        Ok(self.poll.registry().deregister(source)?)
    }

    /// Polls until an event is as wanted.
    fn wait(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Outcome {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.poll.poll(&mut self.events, Some(A_MOMENT))?;
            if self.events.iter().any(&wanted) {
                println!("{what}: it came");
                return Ok(());
            }
        }
        Err(format!("{what}: it did not come within {PATIENCE:?}").into())
    }

    fn nothing(&mut self, when: &str) -> Outcome {
        self.poll.poll(&mut self.events, Some(A_MOMENT))?;
        match self.events.iter().next() {
            None => Ok(println!("{when}: no event")),
            Some(event) => Err(format!("{when}: {event:?}").into()),
        }
    }

    /// Connects to a registered listener; the client is registered, the server is not.
    fn accepted(
        &mut self,
        listener: &mut TcpListener,
    ) -> Result<(TcpStream, TcpStream), Box<dyn Error>> {
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        self.register(&mut client, CLIENT, BOTH)?;
        self.wait("connected", |e| e.token() == CLIENT && e.is_writable())?;
        let server = match listener.accept() {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                self.wait("somebody connects", |e| e.token() == SERVER)?;
                listener.accept()?.0
            }
            other => other?.0,
        };
        self.deregister(listener)?;
        Ok((client, server))
    }

    fn read(
        &mut self,
        from: &mut TcpStream,
        token: Token,
        length: usize,
    ) -> Result<String, Box<dyn Error>> {
        let mut buffer = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match from.read(&mut buffer[filled..]) {
                Ok(0) => return Err(format!("the end after {filled} bytes").into()),
                Ok(more) => filled += more,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    self.wait("bytes", |e| e.token() == token && e.is_readable())?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(String::from_utf8(buffer)?)
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
}

fn port(name: &str) -> Result<u16, Box<dyn Error>> {
    let said = std::env::var(name).map_err(|e| format!("{name}: {e}"))?;
    Ok(said.parse()?)
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Outcome {
    println!("{what}: {got:?}");
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {wanted:?}").into())
}

fn fails(what: &str, said: std::io::Result<()>, kind: ErrorKind) -> Outcome {
    match said {
        Ok(()) => Err(format!("{what}: it went through").into()),
        Err(e) if e.kind() == kind => Ok(println!("{what}: {e}")),
        Err(e) => Err(format!("{what}: {e} ({:?}), not {kind:?}", e.kind()).into()),
    }
}
