//! The recipes for continuous integration and hooks, as far as they run without the services: the descriptions fit the
//! services' schemas, their shell steps run on a scratch repository, and pre-commit runs its hook.
#![cfg(unix)]

mod ci {
    mod action;
    mod gitlab;
    mod placeholder;
    mod pre_commit;
    mod project;
}
