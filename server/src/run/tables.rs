//! Routes, sockets, connections and memory of user space as people write them, in JSON and in the configuration.
//!
//! ```json
//! [{"to": "10.0.0.0/8", "interface": 2, "via": "10.1.0.1", "mtu": 1500, "smac": "02:00:00:00:00:01", "dmac": "02:00:00:00:00:02"}]
//! [{"protocol": "tcp", "local": "10.0.0.1:443", "remote": "10.0.0.2:50000", "state": "established", "mark": 7}]
//! [{"protocol": "tcp", "source": "10.0.0.2:50000", "destination": "10.0.0.1:443", "mark": 7}]
//! [{"at": 65536, "text": "/etc/passwd"}, {"at": 131072, "bytes": "0a000001"}]
//! ```

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use runtime::{Connection, Route, Socket};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::packets::hex;

/// A route.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "routes of a test")]
pub struct RouteRow {
    /// Where it leads to: "10.0.0.0/8". Default: everywhere in IPv4.
    #[serde(default)]
    #[schemars(with = "String")]
    to: Option<String>,
    /// The interface that it leaves through.
    interface: u32,
    /// The next hop. Default: what it leads to is a neighbour itself.
    #[serde(default)]
    #[schemars(with = "String")]
    via: Option<IpAddr>,
    /// The greatest packet. Default: no limit.
    #[serde(default)]
    mtu: u16,
    /// The hardware address of the interface.
    #[serde(default)]
    #[schemars(with = "String")]
    smac: Option<String>,
    /// The hardware address of the next hop. Default: it is not known.
    #[serde(default)]
    #[schemars(with = "String")]
    dmac: Option<String>,
}

impl RouteRow {
    /// The route.
    ///
    /// # Errors
    ///
    /// If an address is none; with what is wrong.
    pub fn route(&self) -> Result<Route, String> {
        let (destination, prefix) = match self.to.as_deref() {
            None => (IpAddr::from(Ipv4Addr::UNSPECIFIED), 0),
            Some(to) => network(to).ok_or_else(|| format!("`{to}` is no network"))?,
        };
        let mac = |text: &str| mac(text).ok_or_else(|| format!("`{text}` is no hardware address"));
        let source = self.smac.as_deref().map(mac).transpose()?.unwrap_or_default();
        let neighbour = self.dmac.as_deref().map(mac).transpose()?;
        Ok(Route {
            destination,
            prefix,
            interface: self.interface,
            gateway: self.via,
            mtu: self.mtu,
            neighbour: neighbour.map(|next| (source, next)),
        })
    }
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse().ok()?)),
        None => (text.parse().ok()?, None),
    };
    let bits = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
    let prefix = prefix.unwrap_or(bits);
    (prefix <= bits).then_some((address, prefix))
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let parts: Vec<u8> =
        text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// A protocol of sockets.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolName {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// States of sockets (`enum` of `BPF_TCP_*`).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateName {
    /// Connected.
    Established = 1,
    /// Waiting for the answer to a SYN.
    SynSent = 2,
    /// Waiting for the last part of the handshake.
    SynRecv = 3,
    /// Closed on this side.
    FinWait1 = 4,
    /// Closed on this side, and the other knows.
    FinWait2 = 5,
    /// Waiting for stray packets.
    TimeWait = 6,
    /// Closed.
    Close = 7,
    /// Closed on the other side.
    CloseWait = 8,
    /// Closed on both sides, the last acknowledgement is missing.
    LastAck = 9,
    /// Listening.
    Listen = 10,
    /// Closed on both sides at the same time.
    Closing = 11,
}

/// A socket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "sockets of a test")]
pub struct SocketRow {
    /// "tcp" or "udp".
    protocol: ProtocolName,
    /// Address and port that it is bound to: "10.0.0.1:443", "[::]:53".
    #[schemars(with = "String")]
    local: SocketAddr,
    /// What it is connected to. Default: nothing.
    #[serde(default)]
    #[schemars(with = "String")]
    remote: Option<SocketAddr>,
    /// Its state. Default: "established" with `remote`, else "listen", and "close" of UDP.
    #[serde(default)]
    #[schemars(with = "StateName")]
    state: Option<StateName>,
    /// The interface that it is bound to. Default: none.
    #[serde(default)]
    interface: u32,
    /// Its mark.
    #[serde(default)]
    mark: u32,
    /// The priority of its packets.
    #[serde(default)]
    priority: u32,
    /// Its cookie. Default: the first one is 1, and so on.
    #[serde(default)]
    cookie: u64,
    /// The number of its control group. Default: that of the task.
    #[serde(default)]
    cgroup: u64,
    /// Its queue of connections is full, so that it answers with SYN cookies.
    #[serde(default)]
    flooded: bool,
    /// Options that are not as they are at first: `{ TCP_NODELAY = 1, TCP_CONGESTION = "reno" }`.
    #[serde(default)]
    options: BTreeMap<String, OptionValue>,
    /// What `struct bpf_tcp_sock` tells: `{ snd_cwnd = 10 }`. Default: it is not known.
    #[serde(default)]
    tcp: BTreeMap<String, u64>,
}

/// The value of an option of a socket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or a name is expected")]
enum OptionValue {
    /// A number.
    Number(i64),
    /// The name of a congestion control.
    Name(String),
}

impl OptionValue {
    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Number(number) => {
                let word = i32::try_from(*number).map(i32::cast_unsigned);
                Some(word.or_else(|_| u32::try_from(*number)).ok()?.to_le_bytes().to_vec())
            }
            Self::Name(name) => Some(name.as_bytes().to_vec()),
        }
    }
}

impl SocketRow {
    /// The socket.
    ///
    /// # Errors
    ///
    /// If its addresses are of two families; with what is wrong.
    pub fn socket(&self) -> Result<Socket, String> {
        if self.remote.is_some_and(|remote| remote.is_ipv4() != self.local.is_ipv4()) {
            return Err("addresses of two families".to_owned());
        }
        let state = self.state.unwrap_or(match (self.protocol, self.remote) {
            (_, Some(_)) => StateName::Established,
            (ProtocolName::Tcp, None) => StateName::Listen,
            (ProtocolName::Udp, None) => StateName::Close,
        });
        let mut options = BTreeMap::new();
        for (name, value) in &self.options {
            let place = runtime::socket_option(name);
            let place = place.ok_or_else(|| format!("there is no option {name}"))?;
            let bytes = value.bytes().ok_or_else(|| format!("{name} does not fit into 32 bits"))?;
            options.insert(place, bytes);
        }
        let known = |name: &String| runtime::tcp_fields().iter().any(|field| field.name == name);
        if let Some(name) = self.tcp.keys().find(|name| !known(name)) {
            return Err(format!("struct bpf_tcp_sock has no field {name}"));
        }
        let pair = |address: SocketAddr| (address.ip(), address.port());
        Ok(Socket {
            protocol: match self.protocol {
                ProtocolName::Tcp => 6,
                ProtocolName::Udp => 17,
            },
            local: pair(self.local),
            remote: self.remote.map(pair),
            state: state as u32,
            interface: self.interface,
            mark: self.mark,
            priority: self.priority,
            cookie: self.cookie,
            cgroup: self.cgroup,
            flooded: self.flooded,
            options,
            tcp: self.tcp.clone(),
            ..Socket::default()
        })
    }
}

/// A connection that is tracked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "connections of a test")]
pub struct ConnectionRow {
    /// "tcp" or "udp".
    protocol: ProtocolName,
    /// Where its first packet came from: "10.0.0.2:50000".
    #[schemars(with = "String")]
    source: SocketAddr,
    /// Where its first packet went to.
    #[schemars(with = "String")]
    destination: SocketAddr,
    /// Where packets of the other direction come from. Default: where the first packet went to.
    #[serde(default)]
    #[schemars(with = "String")]
    reply_source: Option<SocketAddr>,
    /// Where packets of the other direction go to. Default: where the first packet came from.
    #[serde(default)]
    #[schemars(with = "String")]
    reply_destination: Option<SocketAddr>,
    /// Its status, bits of `enum ip_conntrack_status`. Default: it is confirmed.
    #[serde(default)]
    #[schemars(with = "u32")]
    status: Option<u32>,
    /// Its mark.
    #[serde(default)]
    mark: u32,
    /// For how long it is kept, in milliseconds.
    #[serde(default)]
    timeout: u32,
    /// Its zone.
    #[serde(default)]
    zone: u16,
}

impl ConnectionRow {
    /// The connection.
    ///
    /// # Errors
    ///
    /// If its addresses are of two families; with what is wrong.
    pub fn connection(&self) -> Result<Connection, String> {
        let reply = (
            self.reply_source.unwrap_or(self.destination),
            self.reply_destination.unwrap_or(self.source),
        );
        let all = [self.source, self.destination, reply.0, reply.1];
        if all.iter().any(|address| address.is_ipv4() != self.source.is_ipv4()) {
            return Err("addresses of two families".to_owned());
        }
        Ok(Connection {
            protocol: match self.protocol {
                ProtocolName::Tcp => 6,
                ProtocolName::Udp => 17,
            },
            source: self.source,
            destination: self.destination,
            reply: (reply != (self.destination, self.source)).then_some(reply),
            status: self.status.unwrap_or(Connection::default().status),
            mark: self.mark,
            timeout: self.timeout,
            zone: self.zone,
        })
    }
}

/// Memory of user space.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "user of a test")]
pub struct UserRow {
    /// Where it begins.
    at: u64,
    /// A text, with a zero behind it.
    #[serde(default)]
    #[schemars(with = "String")]
    text: Option<String>,
    /// Bytes, in hexadecimal digits.
    #[serde(default)]
    #[schemars(with = "String")]
    bytes: Option<String>,
}

impl UserRow {
    /// Where it begins, and its bytes.
    ///
    /// # Errors
    ///
    /// If there are no bytes, or the place is not one of user space; with what is wrong.
    pub fn memory(&self) -> Result<(u64, Vec<u8>), String> {
        /// Where user space begins and ends.
        const SPACE: std::ops::Range<u64> = 1 << 16..1 << 63;
        if !SPACE.contains(&self.at) {
            return Err(format!("{:#x} is no address of user space", self.at));
        }
        match (&self.text, &self.bytes) {
            (Some(text), None) => Ok((self.at, [text.as_bytes(), &[0]].concat())),
            (None, Some(digits)) => match hex(digits) {
                Some(bytes) => Ok((self.at, bytes)),
                None => Err(format!("`{digits}`: no hexadecimal digits")),
            },
            _ => Err("either `text` or `bytes` is needed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(json: &str) -> Result<Route, String> {
        serde_json::from_str::<RouteRow>(json).map_err(|error| error.to_string())?.route()
    }

    #[test]
    fn routes_have_networks_and_neighbours() {
        let read = route(
            r#"{"to": "10.0.0.0/8", "interface": 2, "via": "10.1.0.1", "smac": "2:0:0:0:0:1",
                "dmac": "02:00:00:00:00:02"}"#,
        )
        .expect("is valid");
        assert_eq!((read.prefix, read.interface), (8, 2));
        assert_eq!(read.neighbour, Some(([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])));
        assert_eq!(route(r#"{"interface": 3}"#).expect("is valid").prefix, 0);
        assert_eq!(route(r#"{"to": "::1", "interface": 3}"#).expect("is valid").prefix, 128);
        for (wrong, why) in [
            (r#"{"to": "10.0.0.0/33", "interface": 2}"#, "no network"),
            (r#"{"interface": 2, "dmac": "02"}"#, "no hardware address"),
            (r#"{"interface": 2, "gateway": "10.0.0.1"}"#, "unknown field `gateway`"),
        ] {
            let error = route(wrong).expect_err(wrong);
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn sockets_have_the_state_that_they_must_have() {
        let socket = |json: &str| {
            serde_json::from_str::<SocketRow>(json).expect("is valid").socket().expect("is one")
        };
        let listener = socket(r#"{"protocol": "tcp", "local": "0.0.0.0:80"}"#);
        assert_eq!((listener.protocol, listener.state, listener.remote), (6, 10, None));
        let connected =
            socket(r#"{"protocol": "udp", "local": "[::1]:53", "remote": "[::2]:5353"}"#);
        assert_eq!((connected.protocol, connected.state), (17, 1));
    }

    #[test]
    fn user_space_has_texts_and_bytes() {
        let memory = |json: &str| serde_json::from_str::<UserRow>(json).expect("is valid").memory();
        assert_eq!(memory(r#"{"at": 65536, "text": "a"}"#), Ok((65536, vec![b'a', 0])));
        assert_eq!(memory(r#"{"at": 65536, "bytes": "0a00"}"#), Ok((65536, vec![10, 0])));
        for wrong in
            [r#"{"at": 1, "text": "a"}"#, r#"{"at": 65536}"#, r#"{"at": 65536, "bytes": "0"}"#]
        {
            assert!(memory(wrong).is_err(), "{wrong}");
        }
    }
}
