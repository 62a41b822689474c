//! A short form of the syntax tree, so that tests can state what they expect in one line.

use std::fmt::Write as _;

use syntax::ast::{
    Attrs, Block, Declaration, Enumerator, Expr, ExprKind, Function, Item, MapMember, Member, Name,
    Stmt, StmtKind, Type, UnaryOp,
};

/// A type, outermost part first; record bodies are written out.
pub(crate) fn ty(of: &Type) -> String {
    match of {
        Type::Named(name) => name.to_string(),
        Type::Record(record) => {
            let mut out = String::from(if record.is_union { "union" } else { "struct" });
            if let Some(tag) = &record.tag {
                let _ = write!(out, " {tag}");
            }
            if record.packed {
                out.push_str(" packed");
            }
            if let Some(aligned) = record.aligned {
                let _ = write!(out, " aligned({aligned})");
            }
            if let Some(members) = &record.members {
                let _ = write!(out, " {{ {} }}", list(members, member));
            }
            out
        }
        Type::Enum(def) => {
            let mut out = format!("enum {}", def.tag.as_deref().unwrap_or("_"));
            if let Some(values) = &def.enumerators {
                let _ = write!(out, " {{ {} }}", list(values, enumerator));
            }
            out
        }
        Type::Pointer { to, to_const } => {
            format!("*{}{}", if *to_const { "const " } else { "" }, ty(to))
        }
        Type::Array(of, size) => {
            format!("[{}]{}", size.as_deref().map_or(String::new(), expr), ty(of))
        }
        Type::Function(function) => {
            let params = list(&function.params, |(_, param)| ty(param));
            let dots = if function.variadic { ", ..." } else { "" };
            format!("fn({params}{dots}) {}", ty(&function.ret))
        }
        Type::Typeof(Some(of)) => format!("typeof({})", expr(of)),
        Type::Typeof(None) => "auto".to_owned(),
        Type::Unknown => "?".to_owned(),
    }
}

fn enumerator(of: &Enumerator) -> String {
    match &of.value {
        Some(value) => format!("{}={}", of.name, expr(value)),
        None => of.name.to_string(),
    }
}

fn member(of: &Member) -> String {
    let name = of.name.as_deref().unwrap_or("_");
    match &of.map {
        Some(MapMember::Uint(value)) => format!("uint {name} {}", expr(value)),
        Some(MapMember::Type(of)) => format!("type {name} {}", ty(of)),
        Some(MapMember::Array(of)) => format!("array {name} {}", ty(of)),
        None => {
            let bits = of.bits.as_deref().map_or(String::new(), |bits| format!(" :{}", expr(bits)));
            format!("{name}: {}{bits}", ty(&of.ty))
        }
    }
}

fn list<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Neg => "-",
        UnaryOp::Plus => "+",
        UnaryOp::Not => "!",
        UnaryOp::BitNot => "~",
        UnaryOp::Deref => "*",
        UnaryOp::AddrOf => "&",
    }
}

/// An expression in prefix form, every operation in parentheses.
pub(crate) fn expr(of: &Expr) -> String {
    match &of.kind {
        ExprKind::Int { value, unsigned, long } => {
            format!("{value}{}{}", if *unsigned { "u" } else { "" }, if *long { "l" } else { "" })
        }
        ExprKind::Str(text) => format!("\"{text}\""),
        ExprKind::Ident(name) => name.to_string(),
        ExprKind::Unary(op, of) => format!("({} {})", unary(*op), expr(of)),
        ExprKind::IncDec { prefix, increment, operand } => {
            let op = if *increment { "++" } else { "--" };
            let operand = expr(operand);
            if *prefix { format!("({op} {operand})") } else { format!("({operand} {op})") }
        }
        ExprKind::Binary(op, a, b) => format!("({op:?} {} {})", expr(a), expr(b)),
        ExprKind::Assign(op, a, b) => {
            let op = op.map_or(String::new(), |op| format!("{op:?}"));
            format!("(={op} {} {})", expr(a), expr(b))
        }
        ExprKind::Cond(c, a, b) => {
            let a = a.as_deref().map_or("-".to_owned(), expr);
            format!("(? {} {a} {})", expr(c), expr(b))
        }
        ExprKind::Call { callee, args } => {
            let args: String = args.iter().map(|arg| format!(" {}", expr(arg))).collect();
            format!("(call {}{args})", expr(callee))
        }
        ExprKind::Index(a, b) => format!("([] {} {})", expr(a), expr(b)),
        ExprKind::Member { base, field, arrow } => {
            format!("({} {} {field})", if *arrow { "->" } else { "." }, expr(base))
        }
        ExprKind::Cast(to, of) => format!("(cast {} {})", ty(to), expr(of)),
        ExprKind::SizeofExpr(of) => format!("(sizeof {})", expr(of)),
        ExprKind::SizeofType(of) => format!("(sizeof: {})", ty(of)),
        ExprKind::Offsetof(of, path) => format!("(offsetof {} {path})", ty(of)),
        ExprKind::CompoundLit(of, init) => format!("(lit {} {})", ty(of), expr(init)),
        ExprKind::InitList(items) => format!("{{{}}}", list(items, initialiser)),
        ExprKind::StmtExpr(of) => format!("(block {})", stmts(&of.stmts)),
        ExprKind::Comma(a, b) => format!("(, {} {})", expr(a), expr(b)),
        ExprKind::TypeArg(of) => format!("(type {})", ty(of)),
        ExprKind::Error => "<error>".to_owned(),
    }
}

fn initialiser((name, value): &(Option<Name>, Expr)) -> String {
    match name {
        Some(name) => format!(".{name} {}", expr(value)),
        None => expr(value),
    }
}

/// The statements of a block.
pub(crate) fn block(of: &Block) -> String {
    stmts(&of.stmts)
}

/// Statements in a row.
pub(crate) fn stmts(of: &[Stmt]) -> String {
    of.iter().map(stmt).collect::<Vec<_>>().join("; ")
}

/// A statement.
pub(crate) fn stmt(of: &Stmt) -> String {
    match &of.kind {
        StmtKind::Decl(local) => declaration(&local.0),
        StmtKind::Expr(None) => "nop".to_owned(),
        StmtKind::Expr(Some(of)) => expr(of),
        StmtKind::Block(of) => format!("{{ {} }}", block(of)),
        StmtKind::If { cond, then, els } => {
            let els = els.as_deref().map_or(String::new(), |els| format!(" else {}", stmt(els)));
            format!("if {} {}{els}", expr(cond), stmt(then))
        }
        StmtKind::While { cond, body } => format!("while {} {}", expr(cond), stmt(body)),
        StmtKind::DoWhile { body, cond } => format!("do {} while {}", stmt(body), expr(cond)),
        StmtKind::For { init, cond, step, body } => format!(
            "for ({}; {}; {}) {}",
            init.as_deref().map_or(String::new(), stmt),
            cond.as_ref().map_or(String::new(), expr),
            step.as_ref().map_or(String::new(), expr),
            stmt(body)
        ),
        StmtKind::MacroBlock { name, args, body } => {
            format!("{name}!({}) {}", list(args, expr), stmt(body))
        }
        StmtKind::Switch { value, body } => format!("switch {} {}", expr(value), stmt(body)),
        StmtKind::Case { from, to, stmts: of } => {
            let to = to.as_ref().map_or(String::new(), |to| format!("..{}", expr(to)));
            format!("case {}{to}: [{}]", expr(from), stmts(of))
        }
        StmtKind::Default { stmts: of } => format!("default: [{}]", stmts(of)),
        StmtKind::Label { name, body } => {
            format!("{name}: {}", body.as_deref().map_or(String::new(), stmt))
        }
        StmtKind::Goto(label) => format!("goto {label}"),
        StmtKind::Break => "break".to_owned(),
        StmtKind::Continue => "continue".to_owned(),
        StmtKind::Return(None) => "return".to_owned(),
        StmtKind::Return(Some(of)) => format!("return {}", expr(of)),
        StmtKind::Asm { outputs, inputs, memory } => {
            format!("asm out({}) in({}) memory={memory}", outputs.join(" "), inputs.join(" "))
        }
        StmtKind::Error => "<error>".to_owned(),
    }
}

fn attrs(of: &Attrs) -> String {
    let mut out = String::new();
    if let Some((section, _)) = &of.section {
        let _ = write!(out, "SEC {section} ");
    }
    for (word, _) in &of.words {
        let _ = write!(out, "@{word} ");
    }
    out
}

/// A declaration.
pub(crate) fn declaration(of: &Declaration) -> String {
    let mut out = attrs(&of.attrs);
    for (flag, word) in
        [(of.is_typedef, "typedef "), (of.is_extern, "extern "), (of.is_static, "static ")]
    {
        if flag {
            out.push_str(word);
        }
    }
    if of.declarators.is_empty() {
        return out + &ty(&of.base);
    }
    let one = |one: &syntax::ast::Declarator| {
        let init = one.init.as_ref().map_or(String::new(), |init| format!(" = {}", expr(init)));
        format!("{}: {}{init}", one.name, ty(&one.ty))
    };
    out + &list(&of.declarators, one)
}

/// A function without its body.
pub(crate) fn head(of: &Function) -> String {
    let mut out = attrs(&of.attrs);
    for (flag, word) in [(of.is_static, "static "), (of.is_inline, "inline ")] {
        if flag {
            out.push_str(word);
        }
    }
    if let Some(wrapper) = &of.wrapper {
        let _ = write!(out, "{wrapper}!");
    }
    let params = list(&of.params, |param| {
        format!("{}{}: {}", attrs(&param.attrs), param.name, ty(&param.ty))
    });
    let _ = write!(out, "{}({params}) {}", of.name, ty(&of.ret));
    if of.has_error {
        out.push_str(" ERROR");
    }
    out
}

/// An item: a function with its body, or a declaration.
pub(crate) fn item(of: &Item) -> String {
    match of {
        Item::Function(function) => format!("{} {{ {} }}", head(function), block(&function.body)),
        Item::Declaration(of) => declaration(of),
    }
}
