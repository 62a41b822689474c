//! Statements: arithmetic, branches, loops, calls.

use std::fmt::{self, Write as _};

use super::Flavour;
use super::bytes::Bytes;

/// Statements of a program, about.
const STATEMENTS: usize = 14;
/// How deep statements are nested.
const DEPTH: usize = 3;

/// What a statement can use.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The context is in R6.
    pub(super) has_context: bool,
    /// The registers that hold numbers.
    pub(super) numbers: Vec<u8>,
    /// A dynptr over the packet is on the stack.
    pub(super) has_dynptr: bool,
    /// How deep it is nested.
    pub(super) depth: usize,
    /// It is in a loop, where calls and loops cost much.
    pub(super) in_loop: bool,
}

/// Writes a program.
pub(super) struct Writer<'w, 'b> {
    pub(super) bytes: &'w mut Bytes<'b>,
    pub(super) flavour: Flavour,
    text: String,
    labels: usize,
    /// Functions that were called, to be written behind.
    functions: usize,
    callbacks: usize,
    /// Where the stack below what is used by convention is free.
    pub(super) stack: i32,
    left: usize,
}

/// The slots of numbers: eight, from `fp-8` down.
pub(super) const SLOTS: usize = 8;
/// The dynptr, two slots.
pub(super) const DYNPTR: i32 = -80;
/// A buffer of 32 bytes.
pub(super) const BUFFER: i32 = -112;

impl<'w, 'b> Writer<'w, 'b> {
    pub(super) fn new(bytes: &'w mut Bytes<'b>, flavour: Flavour) -> Self {
        Self {
            bytes,
            flavour,
            text: String::new(),
            labels: 0,
            functions: 0,
            callbacks: 0,
            stack: BUFFER,
            left: STATEMENTS,
        }
    }

    /// A line of the program.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// Lines that nothing is put into.
    pub(super) fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.line(format_args!("{line}"));
        }
    }

    /// A new label.
    pub(super) fn label(&mut self) -> String {
        self.labels += 1;
        format!("l{}", self.labels)
    }

    /// A register that holds a number.
    pub(super) fn number_in(&mut self, scope: &Scope) -> u8 {
        self.bytes.choice(&scope.numbers, 0)
    }

    /// The program.
    pub(super) fn program(mut self) -> String {
        let field = match self.flavour {
            Flavour::Frame => self.bytes.choice(&[0, 8, 16, 32, 40], 0),
            Flavour::Raw => self.bytes.choice(&[12, 16], 12),
        };
        self.lines(&["r6 = r1"]);
        self.line(format_args!("r7 = *(u32 *)(r6 + {field})"));
        let number = self.bytes.number();
        self.line(format_args!("r8 = {number}"));
        self.lines(&["call 7", "r9 = r0"]);
        self.fill_slots(&[7, 8, 9]);
        let has_dynptr = self.bytes.below(3) == 0;
        if has_dynptr {
            self.make_dynptr();
        }
        let scope = Scope {
            has_context: true,
            numbers: vec![7, 8, 9],
            has_dynptr,
            depth: 0,
            in_loop: false,
        };
        while self.left > 0 && !self.bytes.is_empty() {
            self.statement(&scope);
        }
        let result = self.number_in(&scope);
        self.line(format_args!("r0 = r{result}"));
        if self.flavour == Flavour::Raw {
            self.lines(&["r0 &= 3"]);
        }
        self.lines(&["exit"]);
        self.write_functions();
        self.text
    }

    /// The functions that were called. What they call in turn is only what was written before.
    fn write_functions(&mut self) {
        for function in 0..self.functions {
            self.line(format_args!("function{function}:"));
            self.lines(&["r7 = r1", "r8 = r2", "r9 = r1", "r9 ^= r2"]);
            self.fill_slots(&[7, 8]);
            let scope = Scope {
                has_context: false,
                numbers: vec![7, 8, 9],
                has_dynptr: false,
                depth: DEPTH - 1,
                in_loop: true,
            };
            self.stack = BUFFER;
            for _ in 0..self.bytes.below(5) {
                self.statement(&scope);
            }
            let result = self.number_in(&scope);
            self.line(format_args!("r0 = r{result}"));
            self.lines(&["exit"]);
        }
        for callback in 0..self.callbacks {
            self.line(format_args!("callback{callback}:"));
            // The context is the address of a slot of the caller.
            self.lines(&["r7 = r1", "r8 = *(u64 *)(r2 + 0)", "r9 = r2"]);
            self.fill_slots(&[7, 8]);
            let scope = Scope {
                has_context: false,
                numbers: vec![7, 8],
                has_dynptr: false,
                depth: DEPTH,
                in_loop: true,
            };
            self.stack = BUFFER;
            for _ in 0..self.bytes.below(4) {
                self.statement(&scope);
            }
            self.lines(&["*(u64 *)(r9 + 0) = r8", "r0 = r7", "r0 &= 1", "exit"]);
        }
    }

    /// Puts numbers into the slots of the stack.
    fn fill_slots(&mut self, numbers: &[u8]) {
        for slot in 1..=SLOTS {
            let place = 8 * slot;
            if self.bytes.below(2) == 0 {
                let register = self.bytes.choice(numbers, 7);
                self.line(format_args!("*(u64 *)(r10 - {place}) = r{register}"));
            } else {
                let number = self.bytes.number();
                self.line(format_args!("*(u64 *)(r10 - {place}) = {number}"));
            }
        }
    }

    /// Some statements, one after the other.
    pub(super) fn block(&mut self, scope: &Scope, most: usize) {
        for _ in 0..=self.bytes.below(most) {
            self.statement(scope);
        }
    }

    /// A statement.
    pub(super) fn statement(&mut self, scope: &Scope) {
        self.left = self.left.saturating_sub(1);
        let nests = scope.depth < DEPTH && self.left > 0;
        match self.bytes.below(32) {
            0..=5 => self.arithmetic(scope),
            6..=8 if nests => self.branch(scope),
            9 | 10 if nests && !scope.in_loop => self.bounded_loop(scope),
            11 if nests && !scope.in_loop => self.may_goto(scope),
            12 if nests && !scope.in_loop => self.iterator(scope),
            13 | 14 => self.spill(scope),
            15 => self.variable_slot(scope),
            16 | 17 if nests => self.map_value(scope),
            18 => self.global_variable(scope),
            19..=21 if scope.has_context => self.packet(scope),
            22 | 23 if scope.has_dynptr => self.slice(scope),
            24 if scope.depth < DEPTH => self.call(scope),
            25 if scope.has_context && !scope.in_loop => self.callback(scope),
            26 => self.atomic(scope),
            27 if scope.has_context => self.copied(scope),
            28 => self.comparison(scope),
            29 if nests => self.kept_on_stack(scope),
            30 if self.bytes.one_in(4) => self.noise(),
            _ => self.arithmetic(scope),
        }
    }

    /// `r7 += r8` and its like, also of 32 bits.
    fn arithmetic(&mut self, scope: &Scope) {
        const OPERATORS: [&str; 15] =
            ["+", "-", "*", "&", "|", "^", "<<", ">>", "s>>", "/", "%", "s/", "s%", "&", "&"];
        let dst = self.number_in(scope);
        let half = if self.bytes.below(3) == 0 { 'w' } else { 'r' };
        match self.bytes.below(8) {
            0 => {
                let src = self.number_in(scope);
                self.line(format_args!("{half}{dst} = {half}{src}"));
            }
            1 => {
                let number = self.bytes.number();
                self.line(format_args!("{half}{dst} = {number}"));
            }
            2 => match self.bytes.below(6) {
                0 => self.line(format_args!("{half}{dst} = -{half}{dst}")),
                1 => self.line(format_args!("r{dst} = be16 r{dst}")),
                2 => self.line(format_args!("r{dst} = bswap64 r{dst}")),
                3 => self.line(format_args!("r{dst} = le32 r{dst}")),
                4 => self.line(format_args!("{half}{dst} = (s8){half}{dst}")),
                _ => {
                    let src = self.number_in(scope);
                    self.line(format_args!("r{dst} = (s32)r{src}"));
                }
            },
            3 | 4 => {
                let operator = self.bytes.choice(&OPERATORS, "+");
                let src = self.number_in(scope);
                self.line(format_args!("{half}{dst} {operator}= {half}{src}"));
            }
            _ => {
                let operator = self.bytes.choice(&OPERATORS, "+");
                let number = match operator {
                    "<<" | ">>" | "s>>" => i32::from(self.bytes.byte()) % 32,
                    "/" | "%" | "s/" | "s%" => self.bytes.number().max(1),
                    _ => self.bytes.number(),
                };
                self.line(format_args!("{half}{dst} {operator}= {number}"));
            }
        }
    }

    /// A condition on a number: `r7 s> 5`.
    pub(super) fn condition(&mut self, scope: &Scope) -> String {
        const CONDITIONS: [&str; 11] =
            ["==", "!=", "<", "<=", ">", ">=", "s<", "s<=", "s>", "s>=", "&"];
        let half = if self.bytes.below(3) == 0 { 'w' } else { 'r' };
        let (lhs, condition) = (self.number_in(scope), self.bytes.choice(&CONDITIONS, "=="));
        if self.bytes.below(3) == 0 {
            let rhs = self.number_in(scope);
            format!("{half}{lhs} {condition} {half}{rhs}")
        } else {
            format!("{half}{lhs} {condition} {}", self.bytes.number())
        }
    }

    /// A branch, with or without another way.
    fn branch(&mut self, scope: &Scope) {
        let (condition, other, end) = (self.condition(scope), self.label(), self.label());
        let inner = Scope { depth: scope.depth + 1, ..scope.clone() };
        self.line(format_args!("if {condition} goto {other}"));
        self.block(&inner, 3);
        if self.bytes.below(2) == 0 {
            self.line(format_args!("goto {end}"));
            self.line(format_args!("{other}:"));
            self.block(&inner, 3);
            self.line(format_args!("{end}:"));
        } else {
            self.line(format_args!("{other}:"));
        }
    }

    /// A loop that ends after a number of rounds that is known, or bounded.
    fn bounded_loop(&mut self, scope: &Scope) {
        let (begin, end) = (self.label(), self.label());
        let Some((&counter, rest)) = scope.numbers.split_last() else { return };
        let inner = Scope {
            numbers: rest.to_vec(),
            depth: scope.depth + 1,
            in_loop: true,
            ..scope.clone()
        };
        if rest.is_empty() {
            return;
        }
        if self.bytes.below(3) == 0 {
            let mask = self.bytes.choice(&[1, 3, 7], 3);
            self.line(format_args!("r{counter} &= {mask}"));
        } else {
            let rounds = 1 + self.bytes.below(6);
            self.line(format_args!("r{counter} = {rounds}"));
        }
        self.line(format_args!("{begin}:"));
        self.line(format_args!("if r{counter} == 0 goto {end}"));
        self.line(format_args!("r{counter} -= 1"));
        self.block(&inner, 2);
        self.line(format_args!("goto {begin}"));
        self.line(format_args!("{end}:"));
    }

    /// A loop that `may_goto` bounds.
    fn may_goto(&mut self, scope: &Scope) {
        let (begin, end) = (self.label(), self.label());
        let inner = Scope { depth: scope.depth + 1, in_loop: true, ..scope.clone() };
        self.line(format_args!("{begin}:"));
        self.line(format_args!("may_goto {end}"));
        self.block(&inner, 2);
        let condition = self.condition(scope);
        self.line(format_args!("if {condition} goto {begin}"));
        self.line(format_args!("{end}:"));
    }

    /// A loop over the numbers of an iterator.
    fn iterator(&mut self, scope: &Scope) {
        let (begin, end) = (self.label(), self.label());
        self.stack -= 8;
        let place = -self.stack;
        let rounds = self.bytes.below(12);
        let inner = Scope { depth: scope.depth + 1, in_loop: true, ..scope.clone() };
        self.line(format_args!("r1 = r10\nr1 += -{place}\nr2 = 0\nr3 = {rounds}"));
        self.line(format_args!("call bpf_iter_num_new"));
        self.line(format_args!("{begin}:\nr1 = r10\nr1 += -{place}"));
        self.line(format_args!("call bpf_iter_num_next\nif r0 == 0 goto {end}"));
        if self.bytes.below(2) == 0 {
            let number = self.number_in(scope);
            self.line(format_args!("r{number} = *(s32 *)(r0 + 0)"));
        }
        self.block(&inner, 2);
        self.line(format_args!("goto {begin}\n{end}:\nr1 = r10\nr1 += -{place}"));
        self.line(format_args!("call bpf_iter_num_destroy"));
    }

    /// A call of a function with two numbers.
    fn call(&mut self, scope: &Scope) {
        let function = match self.functions {
            0 => 0,
            count => self.bytes.below((count + 1).min(3)),
        };
        // A function that is being written must not call itself.
        if scope.depth >= DEPTH - 1 && !scope.has_context {
            return;
        }
        self.functions = self.functions.max(function + 1);
        let (first, second) = (self.number_in(scope), self.number_in(scope));
        self.line(format_args!("r1 = r{first}\nr2 = r{second}\ncall function{function}"));
        let result = self.number_in(scope);
        self.line(format_args!("r{result} = r0"));
    }

    /// `bpf_loop` with a slot as its context.
    fn callback(&mut self, scope: &Scope) {
        let callback = self.callbacks;
        self.callbacks += 1;
        let slot = 8 * (1 + self.bytes.below(SLOTS));
        if self.bytes.below(2) == 0 {
            let rounds = self.bytes.below(6);
            self.line(format_args!("r1 = {rounds}"));
        } else {
            let number = self.number_in(scope);
            self.line(format_args!("r1 = r{number}\nr1 &= 7"));
        }
        self.line(format_args!("r2 = func(callback{callback})\nr3 = r10\nr3 += -{slot}\nr4 = 0"));
        self.line(format_args!("call 181"));
        let result = self.number_in(scope);
        self.line(format_args!("r{result} = r0"));
    }

    /// A comparison that decides nothing but what is known.
    fn comparison(&mut self, scope: &Scope) {
        let (condition, end, number) = (self.condition(scope), self.label(), self.number_in(scope));
        self.line(format_args!("if {condition} goto {end}\nr{number} += 1\n{end}:"));
    }

    /// Something that nobody writes. Pointers into a function's own stack are not added to numbers: Linux, and so the
    /// verifier, takes the result for a pointer into the stack of the program (`adjust_ptr_min_max_vals` leaves `frameno`
    /// as it was in the number).
    fn noise(&mut self) {
        let (dst, src) = (self.bytes.below(10), self.bytes.below(11));
        let offset = i32::from(self.bytes.byte());
        match self.bytes.below(4) {
            0 => self.line(format_args!("r{dst} = r{src}")),
            1 => self.line(format_args!("r{dst} += r{}", 6 + src % 4)),
            2 => self.line(format_args!("r{dst} = *(u32 *)(r{src} - {offset})")),
            _ => self.line(format_args!("*(u16 *)(r{src} + {offset}) = r{dst}")),
        }
    }
}
