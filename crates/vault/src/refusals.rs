//! Refusals, and what they may cost: counted, and written into the log as a sum. A caller who is refused a thousand times
//! a second makes the log no longer by it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use crate::{
    log::{Event, UidCount},
    purposes::today,
    roles::RoleTable,
};

/// Denials of one uid that the log has one by one, between two sums; further ones are counted.
pub(crate) const SINGLE: u64 = 100;
/// Conversations at one time, of all role holders together; more where these are many.
const PLACES: usize = 64;
/// Conversations that each role holder may have at least.
const LEAST: usize = 4;
/// Uids that one sum names. There are more only where someone makes users to fill the log.
const NAMED: usize = 16;
/// Bytes of entries that one uid may add without a pause.
const BURST: u64 = 8 << 20;
/// Bytes of entries for each second afterwards: 59 MB an hour.
const PACE: u64 = 16 << 10;
/// No answer waits longer: a client gives up after two minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The refusals since the last sum.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    since: Option<Instant>,
    /// Connections of uids without a role.
    strangers: BTreeMap<u32, u64>,
    /// Connections of role holders who had all their places taken.
    full: BTreeMap<u32, u64>,
    denied: BTreeMap<u32, u64>,
}

impl Refusals {
    pub(crate) fn stranger(&mut self, uid: u32) {
        self.since.get_or_insert_with(Instant::now);
        count(&mut self.strangers, uid);
    }

    pub(crate) fn full(&mut self, uid: u32) {
        self.since.get_or_insert_with(Instant::now);
        count(&mut self.full, uid);
    }

    /// Counts a denial; gives whether the log has it as an entry of its own.
    pub(crate) fn denied(&mut self, uid: u32) -> bool {
        self.since.get_or_insert_with(Instant::now);
        count(&mut self.denied, uid) <= SINGLE
    }

    /// The sum, where some were counted that long ago, and more than the log has.
    pub(crate) fn sum(&mut self, after: Duration) -> Option<Event> {
        if self.since?.elapsed() < after {
            return None;
        }
        let Self { strangers, full, denied, .. } = std::mem::take(self);
        let over = |count: u64| count.saturating_sub(SINGLE);
        let (strangers, full) = (listed(strangers, |all| all), listed(full, |all| all));
        let denied = listed(denied, over);
        let is_any = !(strangers.is_empty() && full.is_empty() && denied.is_empty());
        is_any.then_some(Event::Refused { strangers, full, denied })
    }
}

fn listed(counts: BTreeMap<u32, u64>, of: impl Fn(u64) -> u64) -> Vec<UidCount> {
    let counts = counts.into_iter().map(|(uid, count)| UidCount { uid, count: of(count) });
    counts.filter(|one| one.count > 0).collect()
}

/// Counts one more of a uid. Beyond some uids, all others stand under the greatest.
fn count(of: &mut BTreeMap<u32, u64>, uid: u32) -> u64 {
    let uid = if of.len() < NAMED || of.contains_key(&uid) { uid } else { u32::MAX };
    let count = of.entry(uid).or_default();
    *count += 1;
    *count
}

/// The places for conversations: each role holder's own, so that nobody takes another's.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<u32, usize>);

/// Why a caller gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// The uid holds no role.
    Stranger,
    /// The uid has so many conversations, and no more are allowed.
    Full(usize),
}

impl Places {
    /// Takes a place for a caller, by the roles as they are now.
    pub(crate) fn take(&mut self, uid: u32, roles: &RoleTable) -> Result<(), NoPlace> {
        let holders = roles.uids(today());
        if !holders.contains(&uid) {
            return Err(NoPlace::Stranger);
        }
        let each = (PLACES / holders.len().max(1)).max(LEAST);
        let taken = self.0.entry(uid).or_default();
        if *taken >= each {
            return Err(NoPlace::Full(each));
        }
        *taken += 1;
        Ok(())
    }

    /// Gives a place back.
    pub(crate) fn give_back(&mut self, uid: u32) {
        if let Entry::Occupied(mut taken) = self.0.entry(uid) {
            match taken.get() {
                0 | 1 => drop(taken.remove()),
                _ => *taken.get_mut() -= 1,
            }
        }
    }

    /// Conversations now.
    pub(crate) fn taken(&self) -> usize {
        self.0.values().sum()
    }
}

/// How much each uid has added to the log lately. One who adds more than a council's work ever does waits for each answer.
#[derive(Debug, Default)]
pub(crate) struct Pace(BTreeMap<u32, (u64, Option<Instant>)>);

impl Pace {
    /// Counts the bytes of an entry.
    pub(crate) fn add(&mut self, uid: u32, bytes: u64, now: Instant) {
        let (owed, since) = self.0.entry(uid).or_default();
        let passed = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let paid = passed.as_secs_f64() * PACE as f64;
        *owed = owed.saturating_sub(paid as u64) + bytes;
        *since = Some(now);
    }

    /// How long the uid's next answer waits: what it owes is paid back as time passes, and no answer waits longer than a
    /// client does.
    pub(crate) fn wait(&self, uid: u32, now: Instant) -> Duration {
        let (owed, since) = self.0.get(&uid).copied().unwrap_or_default();
        let passed = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let left = owed.saturating_sub(BURST) as f64 / PACE as f64 - passed.as_secs_f64();
        Duration::from_secs_f64(left.max(0.0)).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use minster_model::Role;

    use super::*;
    use crate::roles::Holder;

    #[test]
    fn a_sum_has_what_the_log_has_not_and_names_few_uids() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.sum(Duration::ZERO), None);
        let single = (0..SINGLE + 50).filter(|_| refusals.denied(7)).count() as u64;
        assert_eq!(single, SINGLE);
        assert!(refusals.denied(8));
        (0..1_000).for_each(|uid| refusals.stranger(uid));
        assert_eq!(refusals.sum(Duration::from_secs(60)), None, "not yet");
        let Some(Event::Refused { strangers, full, denied }) = refusals.sum(Duration::ZERO) else {
            panic!("no sum");
        };
        assert_eq!(denied, [UidCount { uid: 7, count: 50 }]);
        assert!(full.is_empty());
        let all: u64 = strangers.iter().map(|one| one.count).sum();
        assert_eq!((strangers.len(), all), (NAMED + 1, 1_000));
        assert_eq!(refusals.sum(Duration::ZERO), None, "each is counted once");
    }

    #[test]
    fn a_role_holder_s_places_are_nobody_else_s() {
        let roles = "ingest = [1]\nlinker = [2]\nauditor = [1, 3]";
        let mut roles = RoleTable::of_file(&toml::from_str(roles).unwrap());
        let mut places = Places::default();
        let taken = (0..1_000).filter(|_| places.take(1, &roles).is_ok()).count();
        assert_eq!((taken, places.take(1, &roles)), (21, Err(NoPlace::Full(21))));
        assert_eq!(
            (places.take(2, &roles), places.take(9, &roles)),
            (Ok(()), Err(NoPlace::Stranger))
        );
        places.give_back(1);
        assert_eq!((places.take(1, &roles), places.taken()), (Ok(()), 22));
        // A role that ends, and one that begins, count at once.
        roles.revoke(Role::Linker, 2);
        assert_eq!(places.take(2, &roles), Err(NoPlace::Stranger));
        roles.grant(Holder { role: Role::Auditor, uid: 9, until: None });
        assert_eq!(places.take(9, &roles), Ok(()));
    }

    #[test]
    fn a_caller_who_fills_the_log_waits_and_one_who_works_does_not() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        (0..BURST / 512).for_each(|_| pace.add(1, 512, begun));
        assert_eq!(pace.wait(1, begun), Duration::ZERO);
        pace.add(1, PACE, begun);
        let waits = [1, 2].map(|uid| pace.wait(uid, begun));
        assert_eq!(waits, [Duration::from_secs(1), Duration::ZERO]);
        // A caller who asks for nothing that is logged pays back all the same.
        assert_eq!(pace.wait(1, begun + Duration::from_secs(1)), Duration::ZERO);
        pace.add(3, BURST + 1_000 * PACE, begun);
        assert_eq!(pace.wait(3, begun), LONGEST_WAIT);
        // In an hour no more than the pace and the burst.
        pace.add(1, 0, begun + Duration::from_secs(1));
        assert_eq!(pace.wait(1, begun + Duration::from_secs(1)), Duration::ZERO);
    }
}
