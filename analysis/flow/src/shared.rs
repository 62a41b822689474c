//! A map that many states share until one of them changes it. Most instructions change one map of a state, or none,
//! while states are copied at every branch.

use std::collections::BTreeMap;
use std::collections::btree_map::{Entry, IterMut, ValuesMut};
use std::ops::Deref;
use std::rc::Rc;

/// A map; cloning it is cheap. A change that changes nothing leaves it shared.
#[derive(Debug)]
pub(crate) struct Shared<K, V>(Rc<BTreeMap<K, V>>);

impl<K: Ord + Clone, V: Clone + PartialEq> Shared<K, V> {
    pub(crate) fn new() -> Self {
        Shared(Rc::new(BTreeMap::new()))
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.0.get(&key) != Some(&value) {
            Rc::make_mut(&mut self.0).insert(key, value);
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        if self.0.contains_key(key) { Rc::make_mut(&mut self.0).remove(key) } else { None }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        if !self.0.iter().all(|(key, value)| keep(key, value)) {
            Rc::make_mut(&mut self.0).retain(|key, value| keep(key, value));
        }
    }

    /// The value, to be changed.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if self.0.contains_key(key) { Rc::make_mut(&mut self.0).get_mut(key) } else { None }
    }

    /// All values, to be changed: not shared from now on.
    pub(crate) fn values_mut(&mut self) -> ValuesMut<'_, K, V> {
        Rc::make_mut(&mut self.0).values_mut()
    }

    /// All entries, to be changed.
    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        Rc::make_mut(&mut self.0).iter_mut()
    }

    /// The place of a key.
    pub(crate) fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Rc::make_mut(&mut self.0).entry(key)
    }

    /// Whether both are one map, so that they need not be compared.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
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

impl<K, V> Deref for Shared<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'m, K, V> IntoIterator for &'m Shared<K, V> {
    type Item = (&'m K, &'m V);
    type IntoIter = std::collections::btree_map::Iter<'m, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
