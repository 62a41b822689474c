//! x
#[path = "../tests/render/mod.rs"]
mod render;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let p = syntax::Parsed::parse(text.as_str().into());
    if std::env::args().nth(2).as_deref() == Some("m") {
        println!("{}", p.masked());
        return;
    }
    for item in &p.unit().items {
        println!("{}", render::item(item));
    }
    for d in &p.unit().directives {
        println!("{:?}", d.kind);
    }
    for e in &p.unit().errors {
        println!("error {e:?} {:?}", e.text(&text));
    }
}
