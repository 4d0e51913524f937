//! Approved proposals that are answered with identifiers or pseudonyms of children. Each is answered once.

use std::collections::HashMap;

use minster_model::{Kind, Pseudonym, Role};
use minster_vault_api::{Denial, IdentifierBatch, Reidentified, Response, SubjectPseudonym};

use super::{Session, fault, out_of_order};
use crate::{
    approvals::{Action, refusal},
    log::Event,
    vault::in_use,
};

impl Session<'_> {
    pub(super) fn reidentify(&mut self, id: &str) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "identifiers")?;
        let proposal = self.approved(id)?;
        let Action::Reidentify { purpose, pseudonyms } = proposal.action else {
            return Err(refusal("carried out", "it is not about pseudonyms"));
        };
        let vault = self.vault;
        let state = vault.live_purpose(&purpose)?;
        let books = vault.books(&purpose)?;
        let books = in_use(&books)?;
        let registry = &books.registry;
        let now = pseudonyms.iter().filter_map(|one| Some((*one, registry.find_pseudonym(one)?)));
        let mut records: HashMap<Pseudonym, u32> = now.collect();
        for (version, retired) in state.versions().rev().skip(1) {
            if !retired && records.len() < pseudonyms.len() {
                records.extend(registry.find_under(vault.keys(), &purpose, version, &pseudonyms));
            }
        }
        let mut answer = Vec::new();
        for pseudonym in pseudonyms {
            let found = match records.get(&pseudonym) {
                None => None,
                Some(&record) => {
                    let identifier = registry.identifier(vault.keys(), record).map_err(fault)?;
                    let mut batch = IdentifierBatch::default();
                    batch.push(&identifier);
                    // One that was disposed of is empty.
                    (!identifier.is_empty()).then(|| (registry.kind(record).clone(), batch))
                }
            };
            answer.push(Reidentified { pseudonym, found });
        }
        let found = answer.iter().filter(|one| one.found.is_some()).count() as u64;
        let asked = answer.len() as u64;
        self.once(Event::Reidentified { proposal: id.to_owned(), purpose, asked, found })?;
        Ok(Response::Identifiers(answer))
    }

    pub(super) fn find_subject(
        &mut self,
        id: &str,
        kind: &Kind,
        identifier: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "a child's pseudonyms")?;
        let proposal = self.approved(id)?;
        let given = self.subject_tag(kind, identifier)?;
        match proposal.action {
            Action::FindSubject { kind: asked, tag } if asked == *kind && tag == given => {}
            _ => return Err(refusal("carried out", "it is about another identifier")),
        }
        let vault = self.vault;
        let link =
            identifier.iter().next().map(|identifier| vault.keys().link_key(kind).link(identifier));
        let link = link.ok_or_else(|| out_of_order("no identifier"))?;
        let mut answer = Vec::new();
        let mut purposes = vault.look(|state| state.purposes.clone())?;
        purposes.retain(|_, state| state.ending.is_none());
        for (purpose, state) in purposes {
            let books = vault.books(&purpose)?;
            let answered = in_use(&books)?.registry.find(&link).is_some();
            for (version, _) in state.versions().filter(|(_, retired)| !retired) {
                let pseudonym = vault.keys().purpose_key(&purpose, version, kind).pseudonym(&link);
                let purpose = purpose.clone();
                answer.push(SubjectPseudonym { purpose, version, pseudonym, answered });
            }
        }
        let pseudonyms = answer.len() as u64;
        self.once(Event::FoundSubject { proposal: id.to_owned(), pseudonyms })?;
        Ok(Response::Subject(answer))
    }
}
