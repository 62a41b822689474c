//! What a real kernel says about a program: recorded in a child process, replayed by tests.
