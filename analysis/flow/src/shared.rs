//! A map that many states share until one of them changes it. Most instructions change one map of a
//! state, or none, while states are copied at every branch. The entries stand sorted in one piece of
//! memory, because maps are copied and compared far more often than they grow.

use std::rc::Rc;

/// A map; cloning it is cheap. A change that changes nothing leaves it shared.
#[derive(Debug)]
pub(crate) struct Shared<K, V>(Rc<Vec<(K, V)>>);

impl<K: Ord + Clone, V: Clone + PartialEq> Shared<K, V> {
    pub(crate) fn new() -> Self {
        Shared(Rc::new(Vec::new()))
    }

    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.cmp(key))
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.find(&key) {
            Ok(at) if self.0[at].1 == value => {}
            Ok(at) => Rc::make_mut(&mut self.0)[at].1 = value,
            Err(at) => Rc::make_mut(&mut self.0).insert(at, (key, value)),
        }
    }

    /// Puts a value where there is none.
    pub(crate) fn insert_new(&mut self, key: K, value: impl FnOnce() -> V) {
        if let Err(at) = self.find(&key) {
            Rc::make_mut(&mut self.0).insert(at, (key, value()));
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key).ok()?;
        Some(Rc::make_mut(&mut self.0).remove(at).1)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        if !self.0.iter().all(|(key, value)| keep(key, value)) {
            Rc::make_mut(&mut self.0).retain(|(key, value)| keep(key, value));
        }
    }

    /// The value, to be changed.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        Some(&mut Rc::make_mut(&mut self.0)[at].1)
    }

    /// All values, to be changed: not shared from now on.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        // An empty map has nothing to be changed, and stays shared.
        let entries: &mut [(K, V)] =
            if self.0.is_empty() { &mut [] } else { Rc::make_mut(&mut self.0).as_mut_slice() };
        entries.iter_mut().map(|(_, value)| value)
    }

    /// All entries, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        Rc::make_mut(&mut self.0).iter_mut().map(|(key, value)| (&*key, value))
    }

    /// Whether both are one map, so that they need not be compared.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<K, V> Shared<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The entries by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<K, V> Clone for Shared<K, V> {
    fn clone(&self) -> Self {
        Shared(Rc::clone(&self.0))
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Shared<K, V> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<K: Eq, V: Eq> Eq for Shared<K, V> {}
