//! x
use std::time::Instant;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let n: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let one = std::fs::read_to_string(&path).unwrap();
    let text: String = (0..n).map(|i| one.replace("main2", &format!("main{i}"))).collect();
    println!("{} bytes {} lines", text.len(), text.lines().count());
    let arc: std::sync::Arc<str> = text.as_str().into();
    let mut best = [f64::MAX; 4];
    for _ in 0..10 {
        let t = Instant::now(); let toks = syntax::lex(&text); best[0] = best[0].min(t.elapsed().as_secs_f64()); drop(toks);
        let t = Instant::now(); let p = syntax::Parsed::parse(arc.clone()); best[1] = best[1].min(t.elapsed().as_secs_f64());
        let t = Instant::now(); let u = p.unit(); best[2] = best[2].min(t.elapsed().as_secs_f64());
        if u.items.is_empty() { println!("none"); }
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(&tree_sitter_c::LANGUAGE.into()).unwrap();
        let m = p.masked().to_owned();
        let t = Instant::now(); let tr = parser.parse(&m, None); best[3] = best[3].min(t.elapsed().as_secs_f64()); drop(tr);
    }
    println!("lex {:.2} ms; parsed {:.2} ms; unit {:.2} ms; bare tree-sitter of masked {:.2} ms", best[0]*1e3, best[1]*1e3, best[2]*1e3, best[3]*1e3);
}
