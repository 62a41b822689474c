//! x
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let one = std::fs::read_to_string(&path).unwrap();
    let text: String = (0..22).map(|_| one.clone()).collect();
    for _ in 0..60 { let p = syntax::Parsed::parse(text.as_str().into()); 
    for _ in 0..5 { let q = p.edit(text.as_str().into()); assert!(!q.unit().items.is_empty()); } }
}
