//! The integrations of `editors/` in the real editors, without a screen: findings appear, a code action is
//! applied, they go, and no server is left behind. The cases are scripts below `tests/editors`, each in the
//! language of its editor.
#![cfg(target_os = "linux")]

mod editors {
    mod emacs;
    mod neovim;
    mod sandbox;
    mod vim;
}
