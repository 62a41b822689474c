//! Sockets: those of the input and of contexts, and what programs see and change of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use kernel_model::{ContextField, PointerKind, pointer_layout};

use crate::fault::{FaultKind, Origin, Stop};
use crate::machine::Machine;
use crate::memory::{Address, Lifetime, split};

/// `IPPROTO_*`, `AF_*`, `SOCK_*` and `TCP_*`.
pub(crate) const TCP: u32 = 6;
pub(crate) const UDP: u32 = 17;
pub(crate) const AF_UNIX: u32 = 1;
pub(crate) const AF_INET: u32 = 2;
pub(crate) const AF_INET6: u32 = 10;
const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
pub(crate) const ESTABLISHED: u32 = 1;
pub(crate) const TIME_WAIT: u32 = 6;
pub(crate) const CLOSE: u32 = 7;
pub(crate) const LISTEN: u32 = 10;
pub(crate) const NEW_SYN_RECV: u32 = 12;

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// 6 for TCP, 17 for UDP.
    pub protocol: u8,
    /// Address and port that it is bound to; an unspecified address is any.
    pub local: (IpAddr, u16),
    /// What it is connected to; none if it takes what comes.
    pub remote: Option<(IpAddr, u16)>,
    /// Its state: 1 is `BPF_TCP_ESTABLISHED`, 10 is `BPF_TCP_LISTEN`.
    pub state: u32,
    /// The interface it is bound to; 0 for none.
    pub interface: u32,
    /// Its mark.
    pub mark: u32,
    /// The priority of its packets.
    pub priority: u32,
    /// Its cookie; 0 for one that counts.
    pub cookie: u64,
    /// The number of its control group; 0 for that of the task.
    pub cgroup: u64,
    /// Its queue of connections is full, so that it answers with cookies.
    pub flooded: bool,
    /// Its family, if that is not what its addresses say.
    pub family: Option<u32>,
    /// Its type (`SOCK_*`), if that is not what its protocol says.
    pub kind: Option<u32>,
    /// Options that are not as they are at first, by level and name.
    pub options: BTreeMap<(i32, i32), Vec<u8>>,
    /// What `struct bpf_tcp_sock` tells, by the names of its fields; nothing of it is known if that is empty.
    pub tcp: BTreeMap<String, u64>,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            protocol: 6,
            local: (Ipv4Addr::UNSPECIFIED.into(), 0),
            remote: None,
            state: CLOSE,
            interface: 0,
            mark: 0,
            priority: 0,
            cookie: 0,
            cgroup: 0,
            flooded: false,
            family: None,
            kind: None,
            options: BTreeMap::new(),
            tcp: BTreeMap::new(),
        }
    }
}

impl Socket {
    /// `sk->sk_family`
    pub(crate) fn family(&self) -> u32 {
        let own = if self.local.0.is_ipv6() { AF_INET6 } else { AF_INET };
        self.family.unwrap_or(own)
    }

    /// `sk->sk_type`
    pub(crate) fn kind(&self) -> u32 {
        let own = match u32::from(self.protocol) {
            TCP => STREAM,
            UDP => DATAGRAM,
            _ => 0,
        };
        self.kind.unwrap_or(own)
    }

    /// `sk_fullsock`
    pub(crate) fn is_full(&self) -> bool {
        !matches!(self.state, TIME_WAIT | NEW_SYN_RECV)
    }

    pub(crate) fn is_tcp(&self) -> bool {
        u32::from(self.protocol) == TCP
    }

    /// Its `struct bpf_sock`.
    fn bytes(&self) -> Vec<u8> {
        let Some(record) = pointer_layout(PointerKind::Sock).record else { return Vec::new() };
        let mut bytes = vec![0; record.size as usize];
        let mut put = |name: &str, value: &[u8]| {
            let field = record.fields.iter().find(|field| field.name == name);
            let place = field.and_then(|field| bytes.get_mut(field.offset as usize..));
            if let Some(place) = place.and_then(|rest| rest.get_mut(..value.len())) {
                place.copy_from_slice(value);
            }
        };
        let numbers = [
            ("bound_dev_if", self.interface),
            ("family", self.family()),
            ("type", self.kind()),
            ("protocol", self.protocol.into()),
            ("mark", self.mark),
            ("priority", self.priority),
            ("src_port", self.local.1.into()),
            ("state", self.state),
            // No queue has been seen.
            ("rx_queue_mapping", u32::MAX),
        ];
        for (name, number) in numbers {
            put(name, &number.to_le_bytes());
        }
        let mut address = |ip: IpAddr, names: [&str; 2]| match ip {
            IpAddr::V4(ip) => put(names[0], &ip.octets()),
            IpAddr::V6(ip) => put(names[1], &ip.octets()),
        };
        address(self.local.0, ["src_ip4", "src_ip6"]);
        if let Some((remote, port)) = self.remote {
            address(remote, ["dst_ip4", "dst_ip6"]);
            put("dst_port", &port.to_be_bytes());
        }
        bytes
    }
}

/// The fields of `struct bpf_tcp_sock`.
pub fn tcp_fields() -> &'static [ContextField] {
    pointer_layout(PointerKind::TcpSock).record.map_or(&[], |record| record.fields)
}

/// A socket that a program has come to know.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// As it was given, which tells it from others.
    given: Socket,
    /// As it is now.
    pub(crate) now: Socket,
    /// Where its `struct bpf_sock` is.
    pub(crate) address: Address,
    /// Where its `struct bpf_tcp_sock` is, once it was asked for.
    tcp: Option<Address>,
}

/// The place of a socket among those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketIndex(usize);

impl Machine<'_> {
    /// Makes a socket known: the same one each time.
    pub(crate) fn know_socket(&mut self, socket: Socket) -> Result<SocketIndex, Stop> {
        let known = self.known_sockets.iter().position(|known| known.given == socket);
        if let Some(index) = known {
            return Ok(SocketIndex(index));
        }
        let origin = Origin::Object { name: "struct bpf_sock".into() };
        let id = self.memory.allocate_bytes(&socket.bytes(), origin, false, Lifetime::Maps)?;
        let mut now = socket.clone();
        if now.cookie == 0 {
            now.cookie = self.known_sockets.len() as u64 + 1;
        }
        self.known_sockets.push(Known { given: socket, now, address: id.at(0), tcp: None });
        Ok(SocketIndex(self.known_sockets.len() - 1))
    }

    /// A socket that is known.
    pub(crate) fn socket(&self, index: SocketIndex) -> Result<&Known, Stop> {
        let known = self.known_sockets.get(index.0);
        known.ok_or_else(|| FaultKind::Internal("no such socket").into())
    }

    /// Changes a socket, and what programs see of it.
    pub(crate) fn change_socket(
        &mut self,
        index: SocketIndex,
        change: impl FnOnce(&mut Socket),
    ) -> Result<(), Stop> {
        let known = self.known_sockets.get_mut(index.0);
        let known = known.ok_or(FaultKind::Internal("no such socket"))?;
        change(&mut known.now);
        let (bytes, id) = (known.now.bytes(), split(known.address).0);
        if let Some(place) = self.memory.bytes_mut(id) {
            place.copy_from_slice(&bytes);
        }
        Ok(())
    }

    /// The socket whose structure an address is of, if it is one: `struct bpf_sock`, or `struct bpf_tcp_sock`.
    pub(crate) fn socket_of(&self, address: Address) -> Option<SocketIndex> {
        let mut known = self.known_sockets.iter();
        let index = known.position(|one| one.address == address || one.tcp == Some(address));
        index.map(SocketIndex)
    }

    /// The socket that an argument is.
    pub(crate) fn socket_at(&self, address: Address, argument: u8) -> Result<SocketIndex, Stop> {
        self.socket_of(address).ok_or_else(|| match self.memory.origin_at(address) {
            // Pointers of the kernel's own types may be given for sockets.
            Some((Origin::Object { name } | Origin::Beyond { name }, ..)) => {
                FaultKind::NotModelled(format!("a socket that is {name}")).into()
            }
            _ => self.wrong_argument(argument, "a socket"),
        })
    }

    /// The socket that an argument is, or that it has if it is the context.
    pub(crate) fn socket_or_own(
        &mut self,
        address: Address,
        argument: u8,
    ) -> Result<Option<SocketIndex>, Stop> {
        match self.memory.origin_at(address) {
            Some((Origin::Context, _, 0)) => crate::context::socket(self),
            Some((Origin::Object { name }, ..)) if &**name == "struct sk_buff" => {
                crate::context::socket(self)
            }
            _ => self.socket_at(address, argument).map(Some),
        }
    }

    /// The `struct bpf_tcp_sock` of a socket, or an address of what is not known if that is what it holds.
    pub(crate) fn tcp_socket(&mut self, index: SocketIndex) -> Result<Address, Stop> {
        let known = self.socket(index)?;
        if let Some(address) = known.tcp {
            return Ok(address);
        }
        let record =
            pointer_layout(PointerKind::TcpSock).record.filter(|_| !known.now.tcp.is_empty());
        let address = match record {
            Some(record) => {
                let mut bytes = vec![0; record.size as usize];
                for field in record.fields {
                    let value = known.now.tcp.get(field.name).copied().unwrap_or(0).to_le_bytes();
                    let (at, size) = (field.offset as usize, field.size as usize);
                    bytes[at..at + size].copy_from_slice(&value[..size]);
                }
                let origin = Origin::Object { name: "struct bpf_tcp_sock".into() };
                self.memory.allocate_bytes(&bytes, origin, false, Lifetime::Maps)?.at(0)
            }
            None => {
                let origin = Origin::Beyond { name: "struct bpf_tcp_sock".into() };
                self.memory.allocate(0, origin, false, Lifetime::Maps)?.at(0)
            }
        };
        if let Some(known) = self.known_sockets.get_mut(index.0) {
            known.tcp = Some(address);
        }
        Ok(address)
    }

    /// The number of a socket in the table of the input, from 1; 0 if it is not one of those.
    pub(crate) fn number_of(&self, index: SocketIndex) -> u32 {
        let known = self.known_sockets.get(index.0);
        let place = known.and_then(|known| self.sockets.iter().position(|one| *one == known.given));
        place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(0)
    }

    /// The number of the control group of a socket.
    pub(crate) fn group_of(&self, index: SocketIndex) -> Result<u64, Stop> {
        Ok(match self.socket(index)?.now.cgroup {
            0 => self.current.cgroup,
            group => group,
        })
    }
}
