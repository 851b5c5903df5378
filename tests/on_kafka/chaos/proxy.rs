//! A TCP proxy in front of each broker that understands just enough of Kafka's framing to disturb single requests: a length; then, in
//! requests, the api key (i16), its version (i16) and the correlation id (i32); in responses, the correlation id.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::late::{Late, Step};
use super::random::Random;

/// The requests that may be disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Produce = 0,
    Fetch = 1,
    ListOffsets = 2,
    OffsetFetch = 9,
    JoinGroup = 11,
    Heartbeat = 12,
    InitProducerId = 22,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
}

impl Api {
    pub const ALL: [Self; 11] = [
        Self::Produce,
        Self::Fetch,
        Self::ListOffsets,
        Self::OffsetFetch,
        Self::JoinGroup,
        Self::Heartbeat,
        Self::InitProducerId,
        Self::AddPartitionsToTxn,
        Self::AddOffsetsToTxn,
        Self::EndTxn,
        Self::TxnOffsetCommit,
    ];

    /// Whether an instance sends it mainly when it starts or takes over tasks.
    pub const fn is_of_the_start(self) -> bool {
        matches!(self, Self::ListOffsets | Self::OffsetFetch | Self::JoinGroup | Self::InitProducerId)
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is delayed, with everything after it on its connection.
    Delay(Duration),
    /// The broker never sees it.
    DropRequest,
    /// The broker processes it, but the response is lost.
    DropAnswer,
    /// The connection is cut before the broker sees it.
    CutBefore,
    /// The connection is cut after the broker has received it.
    CutAfter,
}

impl Action {
    pub const ALL: [Self; 5] =
        [Self::Delay(Duration::from_millis(700)), Self::DropRequest, Self::DropAnswer, Self::CutBefore, Self::CutAfter];
}

/// A disturbance: which requests, what happens to them, how many per thousand after the first, and how often at most.
#[derive(Clone, Debug)]
pub struct Disturbance {
    pub api: Api,
    pub action: Action,
    pub permille: u64,
    pub left: u64,
}

struct State {
    disturbance: Option<Disturbance>,
    /// Whether the disturbance has yet to hit a request.
    is_fresh: bool,
    is_cut_off: bool,
    /// A request that arrives late.
    late: Option<Late>,
    /// Bytes per second that Produce requests may take on each connection.
    produce_rate: Option<u64>,
    random: Random,
    done: BTreeMap<String, u64>,
}

/// What happens to the response of a request in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Cut,
}

/// Proxies, until the process ends.
pub struct Proxy {
    /// One per broker.
    pub ports: Vec<u16>,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Listens for each broker; connections are passed on once [`Self::forward`] has set a port.
    pub fn listen(seed: u64, brokers: usize) -> (Self, Vec<TcpListener>) {
        let listeners: Vec<_> = (0..brokers).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let state = State {
            disturbance: None,
            is_fresh: false,
            is_cut_off: false,
            late: None,
            produce_rate: None,
            random: Random::new(seed),
            done: BTreeMap::new(),
        };
        (Self { ports, state: Arc::new(Mutex::new(state)) }, listeners)
    }

    /// The value for `bootstrap.servers`.
    pub fn address(&self) -> String {
        self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// Passes every connection on to this port.
    pub fn forward(&self, listener: TcpListener, to: u16) {
        let state = Arc::clone(&self.state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A broker that is down refuses; so does the proxy, by closing.
                if let Ok(broker) = TcpStream::connect(("127.0.0.1", to)) {
                    pass_on(client, broker, &state);
                }
            }
        });
    }

    /// Starts a disturbance.
    pub fn disturb(&self, disturbance: Disturbance) {
        let mut state = self.state.lock().unwrap();
        (state.disturbance, state.is_fresh) = (Some(disturbance), true);
    }

    /// Stops disturbing.
    pub fn calm(&self) {
        self.state.lock().unwrap().disturbance = None;
    }

    /// Whether every request is dropped, as by a network that is down for the clients of this proxy alone.
    pub fn cut_off(&self, is_cut_off: bool) {
        self.state.lock().unwrap().is_cut_off = is_cut_off;
    }

    /// Lets Produce requests through at this many bytes per second and connection, as a slow broker would.
    pub fn slow_down(&self, bytes_per_second: u64) {
        self.state.lock().unwrap().produce_rate = Some(bytes_per_second);
    }

    /// Holds the next request of a kind back.
    pub fn hold(&self, late: Late) {
        self.state.lock().unwrap().late = Some(late);
    }

    /// Whether the request that was held back has been delivered.
    pub fn has_delivered(&self) -> bool {
        self.state.lock().unwrap().late.as_ref().is_some_and(Late::is_delivered)
    }

    /// How many requests of this kind were disturbed.
    pub fn disturbed(&self, api: Api) -> u64 {
        let of_kind = format!("{api:?} ");
        self.done().iter().filter(|(name, _)| name.starts_with(&of_kind)).map(|(_, count)| count).sum()
    }

    /// How many requests were disturbed, by api and action.
    pub fn done(&self) -> BTreeMap<String, u64> {
        self.state.lock().unwrap().done.clone()
    }
}

impl State {
    /// What to do with a request.
    fn decide(&mut self, api: i16, bytes: usize) -> Option<Action> {
        if self.is_cut_off {
            return Some(Action::DropRequest);
        }
        if let Some(rate) = self.produce_rate.filter(|_| api == Api::Produce as i16) {
            return Some(Action::Delay(Duration::from_micros(1_000_000 * bytes as u64 / rate)));
        }
        let disturbance = self.disturbance.as_mut().filter(|disturbance| disturbance.api as i16 == api && disturbance.left > 0)?;
        if !self.random.permille(disturbance.permille) && !self.is_fresh {
            return None;
        }
        self.is_fresh = false;
        disturbance.left -= 1;
        let action = disturbance.action;
        let name = format!("{:?} {}", disturbance.api, format!("{action:?}").split('(').next().unwrap());
        *self.done.entry(name).or_default() += 1;
        Some(action)
    }
}

fn pass_on(client: TcpStream, broker: TcpStream, state: &Arc<Mutex<State>>) {
    let fates = Arc::new(Mutex::new(BTreeMap::new()));
    let _ = (client.set_nodelay(true), broker.set_nodelay(true));
    let (client_back, broker_back) = (client.try_clone().unwrap(), broker.try_clone().unwrap());
    let (state, known) = (Arc::clone(state), Arc::clone(&fates));
    std::thread::spawn(move || {
        let _ = requests(&client, &broker, &state, &known);
        close(&client, &broker);
    });
    std::thread::spawn(move || {
        let _ = answers(&broker_back, &client_back, &fates);
        close(&client_back, &broker_back);
    });
}

fn close(one: &TcpStream, other: &TcpStream) {
    let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
}

/// Passes requests on until a connection ends or is cut.
fn requests(client: &TcpStream, broker: &TcpStream, state: &Mutex<State>, fates: &Mutex<BTreeMap<i32, Fate>>) -> io::Result<()> {
    let mut frame = Vec::new();
    loop {
        read_frame(client, &mut frame)?;
        let (Some(api), Some(correlation)) = (i16_at(&frame, 4), i32_at(&frame, 8)) else { return Ok(()) };
        let step = state.lock().unwrap().late.as_mut().and_then(|late| late.step(api, &frame));
        match step {
            Some(Step::Hold) => return Ok(()),
            Some(Step::Deliver(held)) => {
                deliver(broker.peer_addr()?, &held)?;
                // What the instance commits afterwards would hide what the late request has done.
                state.lock().unwrap().is_cut_off = true;
                let mut broker = broker;
                broker.write_all(&frame)?;
                continue;
            }
            None => {}
        }
        let action = state.lock().unwrap().decide(api, frame.len());
        match action {
            None => {}
            Some(Action::Delay(delay)) => std::thread::sleep(delay),
            Some(Action::DropRequest) => continue,
            Some(Action::DropAnswer) => drop(fates.lock().unwrap().insert(correlation, Fate::Lost)),
            Some(Action::CutBefore) => return Ok(()),
            Some(Action::CutAfter) => drop(fates.lock().unwrap().insert(correlation, Fate::Cut)),
        }
        let mut broker = broker;
        broker.write_all(&frame)?;
    }
}

/// Delivers a request on a connection of its own, and waits until the broker has answered it.
fn deliver(broker: SocketAddr, request: &[u8]) -> io::Result<()> {
    let mut broker = TcpStream::connect(broker)?;
    broker.write_all(request)?;
    read_frame(&broker, &mut Vec::new())
}

/// Passes responses back, except those that are to be lost.
fn answers(broker: &TcpStream, client: &TcpStream, fates: &Mutex<BTreeMap<i32, Fate>>) -> io::Result<()> {
    let mut frame = Vec::new();
    loop {
        read_frame(broker, &mut frame)?;
        let fate = i32_at(&frame, 4).and_then(|correlation| fates.lock().unwrap().remove(&correlation));
        match fate {
            Some(Fate::Lost) => {}
            Some(Fate::Cut) => return Ok(()),
            None => {
                let mut client = client;
                client.write_all(&frame)?;
            }
        }
    }
}

/// A whole frame, its length included.
fn read_frame(mut from: &TcpStream, frame: &mut Vec<u8>) -> io::Result<()> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    frame.clear();
    frame.extend_from_slice(&length);
    frame.resize(4 + usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?, 0);
    from.read_exact(&mut frame[4..])
}

fn i16_at(frame: &[u8], at: usize) -> Option<i16> {
    Some(i16::from_be_bytes(frame.get(at..at + 2)?.try_into().unwrap()))
}

fn i32_at(frame: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(frame.get(at..at + 4)?.try_into().unwrap()))
}
