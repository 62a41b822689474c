//! What programs ask the kernel: routes and sockets of the input, and what they print. The programs are in
//! `programs/asked.bpf.c`, check their own steps and return the first one that went wrong.

use bpf_object::{Kernel, Object, link, vmlinux};
use runtime::{Image, Input, Outcome, PacketInput, Route, Socket};

const OBJECT: &[u8] = include_bytes!("programs/asked.bpf.o");

fn run(program: &str, input: Input) -> Outcome {
    let object = Object::parse(OBJECT).expect("is well-formed");
    let linked = link(&object, &Kernel::new(vmlinux().expect("there are types")));
    let index = linked.programs.iter().position(|one| one.name == program).expect("is there");
    let image = Image::new(&linked, index).expect("can be made ready");
    let packet = PacketInput { bytes: (0..64).collect(), ..PacketInput::default() };
    let input = Input { packet: Some(packet), ..input };
    let outcome = runtime::run(&image, &input, &runtime::Options::default()).expect("fits");
    assert_eq!(outcome.fault, None, "{program}");
    outcome
}

#[test]
fn the_longest_route_is_taken() {
    let route = |to: [u8; 4], prefix, interface| Route {
        destination: to.into(),
        prefix,
        interface,
        ..Route::default()
    };
    let routes = vec![
        route([10, 0, 0, 0], 8, 6),
        Route {
            gateway: Some([10, 0, 0, 1].into()),
            mtu: 1500,
            neighbour: Some(([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 9])),
            ..route([10, 0, 2, 0], 24, 5)
        },
    ];
    assert_eq!(run("routes", Input { routes, ..Input::default() }).retval, 0);
    // Nothing is known: the third step finds no route.
    assert_eq!(run("routes", Input::default()).retval, 3);
}

#[test]
fn a_connected_socket_is_found_before_one_that_listens() {
    let listening = Socket {
        protocol: 6,
        local: ([0; 4].into(), 80),
        remote: None,
        state: 10,
        ..Socket::default()
    };
    let connected = Socket {
        local: ([10, 0, 0, 2].into(), 80),
        remote: Some(([10, 0, 0, 1].into(), 1000)),
        state: 1,
        ..listening.clone()
    };
    let other = Socket { protocol: 17, local: ([0; 4].into(), 81), ..listening.clone() };
    let sockets = vec![other, listening, connected];
    assert_eq!(run("sockets", Input { sockets, ..Input::default() }).retval, 0);
    assert_eq!(run("sockets", Input::default()).retval, 1);
}

#[test]
fn what_is_printed_is_kept() {
    let outcome = run("prints", Input::default());
    assert_eq!(outcome.retval, 0);
    assert_eq!(outcome.printed, ["-1|    7|0xff", "10.0.0.1 end"]);
}
