//! The namespaces: which policy is in force, where its requests go, and what was answered.

use std::collections::HashMap;

use super::answer::{NamespaceId, Version};
use super::error::DecisionError;
use super::statistics::Statistics;
use crate::tcp::{Options, Output, Policy, PolicySlot};

/// The place of a policy: a slot of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) lane: u32,
    pub(super) slot: u32,
    /// Where its requests are gathered, if the lane judges them at once.
    pub(super) batch: Option<u32>,
}

/// Agents that share a policy.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) id: NamespaceId,
    /// Checksum and layout, as the lowest bits of an options word.
    pub(super) format: u32,
    /// Where its requests go; found when one comes, and again after a change of policies or lanes.
    route: Option<Route>,
    pub(super) version: Version,
    pub(super) policy: Policy,
    pub(super) sessions: usize,
    pub(super) under_way: usize,
    pub(super) statistics: Statistics,
}

impl Namespace {
    #[inline(always)]
    pub(super) const fn route(&self) -> Option<Route> {
        self.route
    }
}

/// Instead of a batch's index: requests go to a lane, or their way is not found yet.
pub(super) const NO_BATCH: u32 = u32::MAX;

/// All namespaces, by an index that stays.
#[derive(Debug)]
pub(super) struct Namespaces {
    places: Vec<Option<Namespace>>,
    /// The batch of each place's route, side by side.
    batches: Vec<u32>,
    by_id: HashMap<NamespaceId, u32>,
    most: usize,
    versions: u64,
    /// Answers of namespaces that are no more.
    removed: Statistics,
}

impl Namespaces {
    pub(super) fn new(most: usize) -> Self {
        Self {
            places: Vec::new(),
            batches: Vec::new(),
            by_id: HashMap::new(),
            most,
            versions: 0,
            removed: Statistics::default(),
        }
    }

    fn next_version(&mut self) -> Version {
        self.versions += 1;
        Version(self.versions)
    }

    pub(super) fn add(
        &mut self,
        id: NamespaceId,
        options: Options,
        policy: &Policy,
    ) -> Result<Version, DecisionError> {
        if self.by_id.contains_key(&id) {
            return Err(DecisionError::NamespaceExists { namespace: id });
        }
        if self.by_id.len() == self.most {
            return Err(DecisionError::TooManyNamespaces { most: self.most });
        }
        let version = self.next_version();
        let format = Options {
            output: Output::Verdicts,
            slot: PolicySlot::default(),
            ..options
        };
        let namespace = Namespace {
            id,
            format: format.into(),
            route: None,
            version,
            policy: *policy,
            sessions: 0,
            under_way: 0,
            statistics: Statistics::default(),
        };
        let free = self.places.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.places.push(None);
            self.batches.push(NO_BATCH);
            self.places.len() - 1
        });
        self.places[index] = Some(namespace);
        self.by_id.insert(id, index as u32);
        Ok(version)
    }

    /// Puts another policy in force, and gives its version and where the one before was.
    pub(super) fn set_policy(
        &mut self,
        id: NamespaceId,
        policy: &Policy,
    ) -> Result<(Version, Option<Route>), DecisionError> {
        let index = self.index(id)?;
        let version = self.next_version();
        let namespace = self.at(index);
        namespace.version = version;
        namespace.policy = *policy;
        Ok((version, self.take_route(index, |_| true)))
    }

    /// Says where a namespace's requests go from now on.
    pub(super) fn set_route(&mut self, index: u32, route: Route) {
        self.at(index).route = Some(route);
        self.batches[index as usize] = route.batch.unwrap_or(NO_BATCH);
    }

    /// Forgets where a namespace's requests go, if it is a way of those.
    pub(super) fn take_route(&mut self, index: u32, of: impl Fn(Route) -> bool) -> Option<Route> {
        let namespace = self.places[index as usize].as_mut()?;
        let route = namespace.route.take_if(|route| of(*route))?;
        self.batches[index as usize] = NO_BATCH;
        Some(route)
    }

    /// How many places there are, of namespaces that are or were.
    pub(super) fn places(&self) -> u32 {
        self.places.len() as u32
    }

    /// The batch that each namespace's requests go to, by its index, or [`NO_BATCH`].
    #[inline(always)]
    pub(super) fn batches(&self) -> &[u32] {
        &self.batches
    }

    /// Removes a namespace that nobody uses, and gives where its policy was.
    pub(super) fn remove(&mut self, id: NamespaceId) -> Result<Option<Route>, DecisionError> {
        let index = self.index(id)?;
        let namespace = self.at(index);
        let (sessions, under_way) = (namespace.sessions, namespace.under_way);
        if sessions + under_way > 0 {
            return Err(DecisionError::NamespaceInUse {
                namespace: id,
                sessions,
                under_way,
            });
        }
        self.by_id.remove(&id);
        let route = self.take_route(index, |_| true);
        if let Some(gone) = self.places[index as usize].take() {
            self.removed += &gone.statistics;
        }
        Ok(route)
    }

    pub(super) fn index(&self, id: NamespaceId) -> Result<u32, DecisionError> {
        let unknown = DecisionError::NamespaceUnknown { namespace: id };
        self.by_id.get(&id).copied().ok_or(unknown)
    }

    /// The namespace at an index that a session or a request under way has: it is not removed before them.
    #[inline(always)]
    pub(super) fn at(&mut self, index: u32) -> &mut Namespace {
        self.places[index as usize]
            .as_mut()
            .expect("a namespace in use is not removed")
    }

    pub(super) fn get(&self, id: NamespaceId) -> Result<&Namespace, DecisionError> {
        let index = self.index(id)?;
        Ok(self.places[index as usize]
            .as_ref()
            .expect("an index in the map is in use"))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.places.iter().flatten()
    }

    /// Answers of all namespaces, of those removed too.
    pub(super) fn statistics(&self) -> Statistics {
        let mut total = self.removed.clone();
        for namespace in self.iter() {
            total += &namespace.statistics;
        }
        total
    }
}
