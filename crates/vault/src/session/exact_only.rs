//! The list of identities that are linked by their number alone: changed by two custodians, told to the linker as pseudonyms.

use minster_model::{Kind, Pseudonym, Purpose, Role};
use minster_vault_api::{
    CarriedOut, Denial, ExactOnlyList, IdentifierBatch, ListChange, ListChanged, ListedKind,
    ListedPseudonyms, Response,
};

use super::{Session, approvals::made, fault, runs::LONGEST};
use crate::{
    approvals::{Action, refusal},
    exact_only::{FOLDER, Numbers},
    log::Event,
    state::{ListHead, PurposeState},
};

/// Numbers on the list, at most: all pseudonyms of one version of keys are 320 KB.
const MOST: u64 = 20_000;

impl Session<'_> {
    /// The links of proposed numbers.
    pub(super) fn links(&self, numbers: &[(Kind, IdentifierBatch)]) -> Result<Numbers, Denial> {
        let mut links = Numbers::default();
        for (kind, batch) in numbers {
            let is_number = !kind.is_linkage() && !kind.is_match_key();
            let is_known = self.vault.look(|state| {
                let all = state.purposes.values();
                let mut live = all.filter(|of| of.ending.is_none() && !of.definition.expired());
                live.any(|of| of.definition.allows_kind(kind))
            })?;
            if !is_number || !is_known {
                // The kind is not repeated: where a line began with the number, it is the number.
                return Err(made("a number is of a kind that no purpose names"));
            }
            let fits = |one: &[u8]| !one.is_empty() && one.len() <= LONGEST;
            if !batch.is_well_formed() || !batch.iter().all(fits) {
                return Err(made("a number is empty or too long"));
            }
            let key = self.vault.keys().link_key(kind);
            batch.iter().for_each(|one| links.add(kind, key.link(one)));
        }
        match links.len() {
            1..=MOST => Ok(links),
            _ => Err(made(&format!("it is about 1 to {MOST} numbers"))),
        }
    }

    /// Keeps what a proposal is about until it is carried out.
    pub(super) fn keep_numbers(&self, proposal: &str, numbers: &Numbers) -> Result<(), Denial> {
        let plain = numbers.write(None).map_err(fault)?;
        self.vault.write_sealed(FOLDER, &proposed(proposal), &plain).map_err(fault)
    }

    /// Changes the list as two custodians approved. The new list is durable before the log names it.
    pub(super) fn change_exact_only(
        &self,
        id: &str,
        change: ListChange,
        tag: &str,
    ) -> Result<Response, Denial> {
        let plain = self.vault.read_sealed(FOLDER, &proposed(id)).map_err(fault)?;
        let asked = plain.and_then(|plain| Numbers::read(&plain)).map(|(asked, _)| asked);
        let asked = asked.filter(|of| self.vault.keys().exact_only_tag(of.links()) == tag);
        let asked = asked
            .ok_or_else(|| refusal("carried out", "its numbers are missing or were changed"))?;
        let _turn = self.vault.list()?;
        // Before the file is written, which has the proposal's name: a proposal that was carried out has its list there.
        self.vault.look(|state| state.approved(id).map(drop))??;
        let (head, mut list) = self.listed()?;
        let (before, number_of_asked) = (list.len(), asked.len());
        match change {
            ListChange::Add => list.extend(asked),
            ListChange::Remove => list.remove(&asked),
        }
        let numbers = list.len();
        if numbers > MOST {
            return Err(refusal(
                "carried out",
                &format!("the list would have over {MOST} numbers"),
            ));
        }
        let (added, removed) = (numbers.saturating_sub(before), before.saturating_sub(numbers));
        let plain = list.write(head.as_ref().map(|head| head.proposal.as_str())).map_err(fault)?;
        self.vault.write_sealed(FOLDER, id, &plain).map_err(fault)?;
        let event = Event::ChangedExactOnly {
            proposal: id.to_owned(),
            asked: number_of_asked,
            added,
            removed,
            numbers,
        };
        self.decide(|state| {
            state.approved(id)?;
            Ok((event, ()))
        })?;
        // The list before this one is needed no more. Where it cannot be removed, it is sealed still, and leads nowhere.
        let folder = self.vault.path().join(FOLDER);
        let old = head.map(|head| folder.join(head.proposal));
        for path in old.into_iter().chain([folder.join(proposed(id))]).filter(|path| path.exists())
        {
            let _ = self.vault.disk().remove(&path);
        }
        let changed = ListChanged { added, removed, numbers };
        Ok(Response::Enacted(CarriedOut::ListChanged(changed)))
    }

    /// The list that the log names. The caller holds [`Vault::list`], so that both are of one moment.
    pub(super) fn listed(&self) -> Result<(Option<ListHead>, Numbers), Denial> {
        let head = self.vault.look(|state| state.exact_only.clone())?;
        let Some(of) = &head else { return Ok((None, Numbers::default())) };
        let plain = self.vault.read_sealed(FOLDER, &of.proposal).map_err(fault)?;
        let list = plain.and_then(|plain| Numbers::read(&plain));
        let list = list.filter(|(list, before)| list.len() == of.numbers && *before == of.before);
        let what = "the list of exact-only identities is missing or was changed; put its folder back from a copy";
        let (list, _) = list.ok_or_else(|| Denial::Fault { what: what.into() })?;
        Ok((head, list))
    }

    /// Tells the list as pseudonyms of a purpose, of all versions of its keys that are not retired.
    pub(super) fn exact_only(&self, purpose: Purpose) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "the list of exact-only identities")?;
        let role = self.asker()?.role;
        let _turn = self.vault.list()?;
        let (_, list) = self.listed()?;
        self.decide(|state| {
            let state = state.open_to(role, &purpose)?;
            let answer = self.told(&purpose, state, &list);
            let told = answer.versions.first().map_or(0, |one| one.iter().count() as u64);
            let versions = answer.versions.len() as u64;
            let event = Event::ReadExactOnly { purpose, numbers: answer.numbers, told, versions };
            Ok((event, Response::ExactOnly(answer)))
        })
    }

    fn told(&self, purpose: &Purpose, state: &PurposeState, list: &Numbers) -> ExactOnlyList {
        let mut answer = ExactOnlyList { numbers: list.len(), ..ExactOnlyList::default() };
        if answer.numbers > 0 {
            let keys = self.vault.keys();
            answer.digest = keys.exact_only_digest(purpose, list.links());
            for (version, _) in state.versions().filter(|(_, retired)| !retired) {
                let allowed = list.iter().filter(|(_, kind)| state.definition.allows_kind(kind));
                let mut pseudonyms: Vec<Pseudonym> = allowed
                    .map(|(link, kind)| keys.purpose_key(purpose, version, kind).pseudonym(link))
                    .collect();
                pseudonyms.sort_unstable();
                let bytes = pseudonyms.iter().flat_map(|one| *one.as_bytes()).collect();
                answer.versions.push(ListedPseudonyms { version, bytes });
            }
        }
        answer
    }

    /// Tells a custodian, who is to approve a change, whether it is about the numbers that the custodian was told.
    pub(super) fn compare_exact_only(
        &self,
        id: String,
        numbers: &[(Kind, IdentifierBatch)],
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "what a proposal is about")?;
        let given = self.vault.keys().exact_only_tag(self.links(numbers)?.links());
        let refused = |why: &str| refusal("compared", why);
        let open_proposal = self.vault.look(|state| state.proposals.get(&id).cloned())?;
        let open_proposal = open_proposal.ok_or_else(|| refused("no such one is open"))?;
        let proposal = self.text(&id, &open_proposal.sha256)?;
        let proposal = proposal.ok_or_else(|| refused("its text is missing or was changed"))?;
        let Action::ChangeExactOnly { tag, .. } = proposal.action else {
            return Err(refused("it is not about such a list"));
        };
        let same = tag == given;
        let event = Event::ComparedExactOnly { proposal: id, same };
        self.decide(|_| Ok((event, ())))?;
        Ok(Response::ExactOnlyCompared(same))
    }

    pub(super) fn count_exact_only(&self) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "how many exact-only identities are listed")?;
        let _turn = self.vault.list()?;
        let (_, list) = self.listed()?;
        let count = |(kind, numbers)| ListedKind { kind, numbers };
        Ok(Response::ExactOnlyCounted(list.by_kind().into_iter().map(count).collect()))
    }
}

/// The file of a proposal's numbers.
fn proposed(proposal: &str) -> String {
    format!("proposed-{proposal}")
}
